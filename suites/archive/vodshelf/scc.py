"""SCC: captions as pairs of bytes with odd parity, each line with the timecode at which it is sent."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from . import timecode
from .media import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADER = "Scenarist_SCC V1.0"
WIDTH, ROWS = 32, 4
"""What one caption has room for."""

_LOAD, _WIPE_MEMORY, _SHOW, _CLEAR = 0x1420, 0x142E, 0x142F, 0x142C
_ROW_CODES = (0x1350, 0x1370, 0x1450, 0x1470)
"""The lowest four rows of the screen, 12 to 15."""
_FILLER = 0x00
_FIRST_SIGN = 0x20


class Caption(msgspec.Struct, frozen=True):
    """A text of up to four rows, and when it is seen."""

    start: float
    end: float
    text: str


class NoCaptions(ValueError):
    """A file that is not what it should be, and where."""


def write(captions: Iterable[Caption]) -> str:
    """The content of a file with these captions, which must be in order."""
    parts = [part for caption in captions for part in _fitting(caption)]
    lines, free = [HEADER], 0
    for place, part in enumerate(parts):
        codes = _shown(part.text.split("\n"))
        lead = codes.index(_SHOW)
        # The codes are sent one pair a frame before the caption is seen, and after all that was sent before.
        begin = max(timecode.frame_at(part.start) - lead, free)
        lines.append(_line(begin, codes))
        free = begin + len(codes)
        end = max(timecode.frame_at(part.end), free)
        following = parts[place + 1] if place + 1 < len(parts) else None
        if following is None or end + 2 <= timecode.frame_at(following.start) - len(codes):
            lines.append(_line(end, [_CLEAR, _CLEAR]))
            free = end + 2
    return "\n\n".join(lines) + "\n"


def read(content: str) -> list[Caption]:
    """The captions of a file, or NoCaptions."""
    header, *lines = content.split("\n")
    if header.strip() != HEADER:
        raise NoCaptions(f"the first line is {header[:40]!r}, not {HEADER!r}")
    screen = _Screen()
    for number, line in enumerate(lines, 2):
        if line.strip():
            try:
                time, _, codes = line.partition("\t")
                begin = timecode.read(time)
                for at, code in enumerate(codes.split()):
                    screen.receive(begin + at, _without_parity(code))
            except ValueError as error:
                raise NoCaptions(f"line {number}: {error}") from None
    return screen.captions


class _Screen:
    """What a television does with the pairs."""

    def __init__(self) -> None:
        self.captions: list[Caption] = []
        self._rows: list[str] = []
        self._shown: tuple[int, str] | None = None
        self._before = 0

    def receive(self, frame: int, pair: int) -> None:
        repeated, self._before = pair == self._before and pair >= 0x1000 and pair < 0x2000, pair
        if repeated:  # a control pair is sent twice and counts once
            self._before = 0
        elif pair in (_WIPE_MEMORY, _LOAD):
            self._rows = []
        elif pair in _ROW_CODES:
            self._rows.append("")
        elif pair == _CLEAR:
            self._end(frame)
        elif pair == _SHOW:
            self._end(frame)
            self._shown = frame, "\n".join(self._rows)
            self._rows = []
        else:
            self._text(pair)

    def _text(self, pair: int) -> None:
        if not self._rows:
            raise ValueError("a text without a row")
        for code in divmod(pair, 0x100):
            if code != _FILLER:
                if not 0 <= code - _FIRST_SIGN < len(SIGNS):
                    raise ValueError(f"the sign {code:02x} is unknown")
                self._rows[-1] += SIGNS[code - _FIRST_SIGN]

    def _end(self, frame: int) -> None:
        if self._shown is not None:
            begin, text = self._shown
            self.captions.append(Caption(timecode.seconds_at(begin), timecode.seconds_at(frame), text))
            self._shown = None


def _fitting(caption: Caption) -> Iterable[Caption]:
    """The caption in as many parts as it needs, each with its share of the time."""
    rows = textwrap.wrap(caption.text, WIDTH) or [""]
    parts = ["\n".join(rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
    whole = sum(map(len, parts)) or 1
    begin, length = caption.start, caption.end - caption.start
    for part in parts:
        end = begin + length * len(part) / whole
        yield Caption(begin, end, part)
        begin = end


def _shown(rows: Sequence[str]) -> list[int]:
    """The pairs that load these rows and show them; what was seen before is cleared first."""
    codes = [_WIPE_MEMORY, _WIPE_MEMORY, _LOAD, _LOAD]
    for code, row in zip(_ROW_CODES[-len(rows) :], rows, strict=True):
        signs = [_FIRST_SIGN + SIGNS.index(sign) for sign in row]
        signs += [_FILLER] * (len(signs) % 2)
        codes += [code, code, *(high << 8 | low for high, low in zip(signs[::2], signs[1::2], strict=True))]
    return [*codes, _CLEAR, _CLEAR, _SHOW, _SHOW]


def _line(frame: int, codes: Iterable[int]) -> str:
    pairs = " ".join(f"{_odd(code >> 8):02x}{_odd(code & 0xFF):02x}" for code in codes)
    return f"{timecode.written(frame)}\t{pairs}"


def _odd(byte: int) -> int:
    """The byte with its highest bit set so that the number of ones is odd."""
    return byte if byte.bit_count() % 2 else byte | 0x80


def _without_parity(text: str) -> int:
    if len(text) != 4:
        raise ValueError(f"{text!r} is no pair of bytes")
    first, second = bytes.fromhex(text)
    if first.bit_count() % 2 == 0 or second.bit_count() % 2 == 0:
        raise ValueError(f"{text!r} has lost its parity")
    return (first & 0x7F) << 8 | second & 0x7F
