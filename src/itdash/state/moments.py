"""Which test ran at a moment, in one worker."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Final

_LATEST: Final = 1 << 62


class Times:
    """When which test ran; tests are told in the order of their starts."""

    __slots__ = ("ends", "numbers", "starts")

    def __init__(self) -> None:
        self.starts, self.ends, self.numbers = array("q"), array("q"), array("q")

    def start(self, number: int, t: int) -> None:
        """A test began."""
        self.starts.append(max(t, self.starts[-1]) if self.starts else t)
        self.ends.append(_LATEST)
        self.numbers.append(number)

    def end(self, t: int) -> None:
        """The one that ran is over."""
        if self.ends:
            self.ends[-1] = t

    def at(self, t: int) -> int:
        """The test that ran at a moment, or -1."""
        starts = self.starts
        if not starts:
            return -1
        place = len(starts) - 1 if t >= starts[-1] else bisect_right(starts, t) - 1
        return self.numbers[place] if place >= 0 and t <= self.ends[place] else -1
