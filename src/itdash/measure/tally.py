"""All that is measured of one operation: counts, latencies, and how many were in flight."""

from __future__ import annotations

import copy
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from itdash.measure.concurrency import LatencyByConcurrency
from itdash.measure.latency import Histogram
from itdash.measure.overlap import InFlight
from itdash.measure.verdict import Measured

if TYPE_CHECKING:
    from itdash.measure.timeline import TimeLine

OK, ERROR, CANCELLED = 2, 3, 4
"""How an operation ended, as in an `.ops` file; 0 is a latency that was measured elsewhere."""

_BEGUN: Final = -1
_ABANDONED: Final = -2
_MORE: Final = 1 << 32


class Tally:
    """Begins and ends may come in any order; `settle` puts them in the order of time, up to a moment.

    What is settled is exact and dropped, so what waits stays as small as the time between two calls.
    """

    __slots__ = (
        "_levels", "_pending", "by_concurrency", "cancelled", "count", "errors", "first", "flight", "last",
        "latency", "now", "unfinished",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = self.errors = self.cancelled = self.now = self.unfinished = 0
        self.first, self.last = -1, 0
        self.latency = Histogram()
        self.flight = InFlight()
        self.by_concurrency = LatencyByConcurrency()
        self._pending: list[tuple[int, int]] = []
        self._levels: dict[int, int] = {}

    def begin(self, t: int) -> None:
        """One began at `t`."""
        self.count += 1
        self.now += 1
        self._seen(t, t)
        self._pending.append((t, _BEGUN))

    def end(self, t: int, duration: int, outcome: int) -> None:
        """One that had begun `duration` before `t` ended."""
        if outcome == ERROR:
            self.errors += 1
        elif outcome == CANCELLED:
            self.cancelled += 1
        self.latency.record(duration)
        self._seen(t - duration, t)
        if outcome:
            self.now -= 1
            self._pending.append((t, duration))
        else:
            self.count += 1

    def abandon(self, t: int, n: int) -> None:
        """The process of `n` that are in flight is gone since `t`."""
        self.now -= n
        self.unfinished += n
        self._seen(t, t)
        self._pending += [(t, _ABANDONED)] * n

    def settle(self, until: int | None = None) -> None:
        """Nothing before `until` will come any more; without it, nothing at all."""
        pending = self._pending
        pending.sort()
        cut = len(pending) if until is None else bisect_left(pending, (until,))
        if not cut:
            return
        change, levels, record = self.flight.change, self._levels, self.by_concurrency.record
        flight = self.flight
        for t, duration in pending[:cut]:
            if duration == _BEGUN:
                change(t, 1)
                known = levels.get(t)
                levels[t] = flight.now if known is None else (known - known % _MORE) + _MORE + flight.now
                continue
            change(t, -1)
            if duration >= 0:
                began = t - duration
                level = levels.get(began, 1)
                if level >= _MORE:
                    levels[began] = level - _MORE
                else:
                    levels.pop(began, None)
                record(level % _MORE, duration)
        del pending[:cut]

    def settled(self) -> Tally:
        """A copy of it as it would be if nothing more came."""
        other = copy.deepcopy(self)
        other.settle()
        return other

    @property
    def waiting(self) -> int:
        """How many begins and ends are not settled."""
        return len(self._pending)

    @property
    def peak(self) -> int:
        """The most in flight at any settled moment."""
        return self.flight.peak

    @property
    def duration(self) -> int:
        """From the first begin to the last begin or end."""
        return max(0, self.last - self.first)

    @property
    def rate(self) -> float | None:
        """How many began a second, from the first begin to the last begin or end; of one there is none."""
        return self.count / (self.duration / 1e9) if self.count > 1 and self.duration else None

    def measured(self, name: str) -> Measured:
        """What a budget is judged on; everything must be settled."""
        return Measured(name, self.count, self.errors, self.peak, self.duration, self.latency)

    def line(self, until: int | None = None) -> TimeLine | None:
        """How many were in flight over time."""
        return self.flight.line(until)

    def _seen(self, first: int, last: int) -> None:
        if first < self.first or self.first < 0:
            self.first = first
        self.last = max(self.last, last)
