"""A text of any size on the disk, shown a line at a time; its lines are found in steps."""

from __future__ import annotations

import mmap
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_STEP: Final = 1 << 20
_EVERY: Final = 512


class WholeText:
    """The lines of a file as they are found, in pieces of `width` bytes; `found` of them can be read."""

    def __init__(self, path: Path, width: int) -> None:
        # No character is torn: the bytes that belong to the last one of a piece go with it.
        self._piece = re.compile(rb"[^\n]{1,%d}[\x80-\xbf]{0,3}\n?|\n" % max(1, width))
        with path.open("rb") as handle:
            self._data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        self._reached = 0
        self._marks = [0]  # where every so many lines begin
        self._cached = -1
        self._lines: list[str] = []
        self.found = 0

    @property
    def share(self) -> float:
        """How much of the file is known."""
        return self._reached / len(self._data)

    def go_on(self) -> bool:
        """Find the lines of the next stretch; whether there is more."""
        end = self._reached + _STEP
        for match in self._piece.finditer(self._data, self._reached):
            self.found += 1
            self._reached = match.end()
            if self.found % _EVERY == 0:
                self._marks.append(self._reached)
            if self._reached >= end:
                break
        return self._reached < len(self._data)

    def line(self, place: int) -> str:
        """One of the lines that were found."""
        block = place // _EVERY
        if block != self._cached:
            start = self._marks[block]
            pieces = self._piece.finditer(self._data, start)
            self._lines = [piece[0].decode("utf-8", "replace") for piece in islice(pieces, _EVERY)]
            self._cached = block
        return self._lines[place % _EVERY].rstrip("\n")

    def close(self) -> None:
        """Let the file go."""
        self._data.close()
