"""Follows the `.ops` files of a run: what each process's probe recorded, as one event for each piece read."""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING, NamedTuple

from itdash.events.model import OperationsHappened
from itdash.events.ops import BEGIN, COUNT, GAUGE, LATENCY, PAD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUFFIX = ".ops"
_FIRST_LOOK = 16 << 10
_PIECE = 256 << 10
_HOLES_KEPT = 64
_PATIENCE = 40
SPAN = 50_000_000
_IDLE = 40
_TIMED = 1 << BEGIN | 1 << LATENCY | 1 << COUNT | 1 << GAUGE
"""The kinds of words that have a moment of their own, in the order of which they were written."""


class OperationFiles:
    """Reads what is new in all files of a folder, or in those whose process `owner` started or is.

    A file that has nothing new for a while is closed, and read again by `read_idle`: there may be thousands.
    Without `hold` all are closed at once, for a process in which a test may close what it finds.
    """

    def __init__(self, folder: Path | str, owner: str = "", hold: bool = True) -> None:
        self._folder, self._owner, self._hold = str(folder), owner, hold
        self._files: dict[str, _File] = {}

    def read(self) -> list[OperationsHappened]:
        """What was written since the last call, at most a piece of each file."""
        self._discover()
        return self._read([file for file in self._files.values() if file.idle < _IDLE])

    def read_idle(self) -> list[OperationsHappened]:
        """The same of the files that had nothing new for a while."""
        return self._read([file for file in self._files.values() if file.idle >= _IDLE])

    def read_anew(self, source: str = "") -> None:
        """Let the next `read` look at this file, or at all, whatever they did lately."""
        for name, file in self._files.items():
            if not source or name == source + SUFFIX:
                file.idle = 0

    def close(self) -> None:
        """Stop reading."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _read(self, files: list[_File]) -> list[OperationsHappened]:
        events: list[OperationsHappened] = []
        for file in files:
            try:
                file.read(events)
            except OSError:
                file.idle += 1
            if file.idle >= _IDLE or not self._hold:
                file.close()
        return events

    def _discover(self) -> None:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        for name in sorted(names):
            if name.endswith(SUFFIX) and name not in self._files and self._is_ours(name[: -len(SUFFIX)]):
                self._files[name] = _File(os.path.join(self._folder, name), name[: -len(SUFFIX)])

    def _is_ours(self, source: str) -> bool:
        return not self._owner or source == self._owner or source.startswith(self._owner + ".")


class _File:
    """One file that may still grow; its end is full of zeros."""

    def __init__(self, path: str, source: str) -> None:
        self._path, self._source = path, source
        self._fd = -1
        self.idle = 0
        self._slot = 0
        self._t = 0
        self._holes: list[_Hole] = []

    def close(self) -> None:
        """Give the descriptor back; reading opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, events: list[OperationsHappened]) -> None:
        """Add an event for what is new, and for each hole that was filled."""
        if self._fd < 0:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        if self._holes:
            self._look_at_holes(events)
        data = self._piece(self._slot, _FIRST_LOOK)
        if len(data) == _FIRST_LOOK:
            data += self._piece(self._slot + _FIRST_LOOK // 8, _PIECE - _FIRST_LOOK)
        if not data:
            self.idle += 1
            return
        self.idle = 0
        words = _words(data)
        if 0 in words:
            self._note_holes(words)
        more = len(data) == _PIECE and bool(self._piece(self._slot + _PIECE // 8, 8))
        for first, last, t in spans(words, self._t):
            piece = data[first * 8 : last * 8]
            slot = self._slot + first
            events.append(OperationsHappened(t, self._source, slot, piece, more, self._gap()))
            self._t = t
        self._slot += len(words)
        if words[-1] & 15 == PAD and words[-1] >> 4:
            self._slot += (words[-1] >> 4) - 1

    def _piece(self, slot: int, size: int) -> bytes:
        """Whole words from this slot on, without the zeros at their end."""
        data = os.pread(self._fd, size, slot * 8)
        whole = len(data.rstrip(b"\0"))
        return data[: min(-(-whole // 8) * 8, len(data) // 8 * 8)]

    def _note_holes(self, words: array[int]) -> None:
        """Slots that a thread has taken and not filled yet."""
        start = -1
        for place, word in enumerate(words):
            if word == 0 and start < 0:
                start = place
            elif word and start >= 0:
                before = _last_moment(words[:start], self._t)
                self._holes.append(_Hole(self._slot + start, place - start, before))
                start = -1
        del self._holes[:-_HOLES_KEPT]

    def _look_at_holes(self, events: list[OperationsHappened]) -> None:
        left: list[_Hole] = []
        filled: list[tuple[int, bytes]] = []
        for hole in self._holes:
            data = os.pread(self._fd, hole.size * 8, hole.slot * 8)
            if not data.strip(b"\0"):
                left.append(hole._replace(looks=hole.looks + 1))
                continue
            first = (len(data) - len(data.lstrip(b"\0"))) // 8
            last = -(-len(data.rstrip(b"\0")) // 8)
            filled.append((hole.slot + first, data[first * 8 : last * 8]))
            if first:
                left.append(hole._replace(size=first))
            if last < hole.size:
                left.append(hole._replace(slot=hole.slot + last, size=hole.size - last))
        self._holes = left
        events += [
            OperationsHappened(self._t, self._source, slot, data, gap=self._gap()) for slot, data in filled
        ]

    def _gap(self) -> int:
        """The moment before the first hole that may still be filled, or 0."""
        return min((max(1, hole.t) for hole in self._holes if hole.looks < _PATIENCE), default=0)


class _Hole(NamedTuple):
    """Slots without words, after the moment `t`, and how often they were looked at."""

    slot: int
    size: int
    t: int
    looks: int = 0


def _words(data: bytes) -> array[int]:
    words = array("Q")
    words.frombytes(data)
    return words


def spans(words: Sequence[int], t: int) -> list[tuple[int, int, int]]:
    """Cut words into pieces, each with its moment: the last that a word in it has, or that of the one before.

    What is in a piece happened at most `SPAN` before its moment. So whoever takes the pieces of several files
    in the order of their moments knows when nothing earlier can come.
    """
    cuts: list[tuple[int, int, int]] = []
    first, start = 0, t
    if _last_moment(words, t) > t + SPAN:
        for place, word in enumerate(words):
            if _TIMED >> (word & 15) & 1:
                moment = word >> 16
                if moment > start + SPAN:
                    if place:
                        cuts.append((first, place, t))
                    first = place
                    start = moment
                t = max(t, moment)
    return [*cuts, (first, len(words), _last_moment(words, t))]


def _last_moment(words: Sequence[int], before: int) -> int:
    for place in range(len(words) - 1, -1, -1):
        if _TIMED >> (words[place] & 15) & 1:
            return max(before, words[place] >> 16)
    return before
