"""Foreign text made inert: it can be read, and can do nothing."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, DEL, line and paragraph separators, everything that turns the direction of writing or
# hides what stands between two marks, and what cannot be encoded.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def inert(text: str) -> str:
    """The text with tabs widened and every active character written as its code."""
    return _ACTIVE.sub(_code, text.replace("\r\n", "\n").expandtabs(4))


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def one_line(text: str, width: int = 0, sign: str = "…") -> str:
    """The text on one line, cut with a sign when it is wider than `width` columns."""
    line = " ".join(inert(text).split("\n"))
    return cut(line, width, sign) if width else line


def cut(line: str, width: int, sign: str = "…") -> str:
    """At most `width` columns of a line; the sign stands for what is missing."""
    room = width - columns(sign)
    used = fits = 0
    for place, char in enumerate(line):
        used += _width(char)
        if used <= room:
            fits = place + 1
        if used > width:
            return line[:fits] + sign if room >= 0 else ""
    return line


def cut_front(text: str, room: int, sign: str) -> str:
    """The end of a text, for node ids differ there; the sign stands for what is missing."""
    over = columns(text) - room
    if over <= 0:
        return text
    place, wanted = 0, over + columns(sign)
    while place < len(text) and columns(text[:place]) < wanted:
        place += 1
    return sign + text[place:] if room >= columns(sign) else ""


def columns(text: str) -> int:
    """How many columns a terminal gives this text."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if char.isascii() or char == "\xad":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def head_and_tail(text: str, lines: int) -> list[str]:
    """At most `lines` lines, from both ends, with a line between that counts what is left out."""
    every = text.splitlines()
    if len(every) <= lines:
        return every
    tail = max(0, lines - 1) // 2
    head = max(0, lines - 1) - tail
    left_out = f"[... {len(every) - head - tail:,} lines left out ...]"
    return [*every[:head], left_out, *every[len(every) - tail :]]
