"""A level over time in a bounded number of buckets, each with the highest and the last level in it."""

from __future__ import annotations

from typing import Final

import msgspec

# Buckets begin at about a microsecond: nobody looks at a run that is shorter than 240 of them.
_FIRST_SHIFT: Final = 10


class TimeLine(msgspec.Struct, frozen=True):
    """Neighbouring buckets of `width` nanoseconds; the first begins at `start`, a multiple of the width."""

    start: int
    width: int
    highest: tuple[int, ...]
    last: tuple[int, ...]


class TimeLineRecorder:
    """Takes a level as it holds from moment to moment; doubles the width of the buckets when they run out."""

    __slots__ = ("_end", "_first", "_highest", "_last", "_shift", "_size", "_upto")

    def __init__(self, start: int, size: int = 240) -> None:
        self._size = size
        self._shift = _FIRST_SHIFT
        self._first = start >> _FIRST_SHIFT
        self._end = (self._first + 1) << _FIRST_SHIFT
        self._upto = start
        self._highest = [0]
        self._last = [0]

    def hold(self, level: int, until: int) -> None:
        """The level held from where the last call ended until just before `until`."""
        if until > self._end:
            self._extend(level, until)
        else:
            if level > self._highest[-1]:  # noqa: PLR1730 (this runs for every edge)
                self._highest[-1] = level
            self._last[-1] = level
        self._upto = until

    def line(self, level: int, until: int) -> TimeLine:
        """The line as it would be had the level held until then; nothing is recorded."""
        copy = TimeLineRecorder(self._upto, self._size)
        copy._shift, copy._first, copy._end = self._shift, self._first, self._end
        copy._highest, copy._last = self._highest.copy(), self._last.copy()
        copy.hold(level, until)
        return TimeLine(copy._first << copy._shift, 1 << copy._shift, tuple(copy._highest), tuple(copy._last))

    def _extend(self, level: int, until: int) -> None:
        newest = until - 1
        while (newest >> self._shift) - self._first >= self._size:
            self._merge_pairs()
        if self._upto < (self._first + len(self._highest)) << self._shift:
            self._highest[-1] = max(self._highest[-1], level)
            self._last[-1] = level
        missing = (newest >> self._shift) - self._first + 1 - len(self._highest)
        self._highest += [level] * missing
        self._last += [level] * missing
        self._end = (self._first + len(self._highest)) << self._shift

    def _merge_pairs(self) -> None:
        # Pairs begin at even places of the whole axis, so that lines recorded apart share their bounds.
        places = range(-(self._first & 1), len(self._highest), 2)
        self._highest = [max(self._highest[max(i, 0) : i + 2]) for i in places]
        self._last = [self._last[max(i, 0) : i + 2][-1] for i in places]
        self._first >>= 1
        self._shift += 1
