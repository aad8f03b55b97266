"""How many operations are in flight: now, at most, and over time, exact from their begins and ends.

An operation is in flight from its begin until just before its end, so two that touch do not overlap and one
that takes no time is never seen. Moments are whole nanoseconds, 0 or more, of one clock.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from itdash.measure.timeline import TimeLine, TimeLineRecorder

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

LATEST_NS: Final = 2**62 - 1
"""The latest moment that several sources can tell of: in the year 2116 where moments count from 1970."""


class InFlight:
    """The operations of one source that tells of them in the order of time.

    `late` counts the edges that came out of that order and were taken as of the moment reached by then: where
    it is not 0 the peak is not exact. `unmatched` counts the ends without a begin, which change nothing.
    """

    __slots__ = ("_moment", "_peak", "_recorder", "_size", "late", "now", "unmatched")

    def __init__(self, size: int = 240) -> None:
        self.now = 0
        self.late = 0
        self.unmatched = 0
        self._size = size
        self._peak = 0
        self._moment = -1  # before every moment
        self._recorder: TimeLineRecorder | None = None

    @property
    def peak(self) -> int:
        """The most that were in flight at any one moment so far."""
        return max(self._peak, self.now)

    def begin(self, t: int) -> None:
        """An operation began at `t`."""
        self.change(t, 1)

    def end(self, t: int) -> None:
        """An operation ended at `t`."""
        if self.now:
            self.change(t, -1)
        else:
            self.unmatched += 1

    def change(self, t: int, by: int) -> None:
        """The number in flight changed at `t`; changes of one moment may come in any order."""
        if t > self._moment:
            self._pass_to(t)
        elif t < self._moment:
            self.late += 1
        self.now += by

    def line(self, until: int | None = None) -> TimeLine | None:
        """The number in flight over time, as it is now held on to `until`; None when nothing ever began."""
        if self._recorder is None:
            return None
        return self._recorder.line(self.now, max(until or 0, self._moment + 1))

    def _pass_to(self, t: int) -> None:
        # Only now is the number at the moment before known: until here an end could still follow its begins.
        if self._recorder is None:
            self._recorder = TimeLineRecorder(t, self._size)
        else:
            if self.now > self._peak:  # noqa: PLR1730 (this runs for every edge)
                self._peak = self.now
            self._recorder.hold(self.now, t)
        self._moment = t


class Overlap:
    """The operations of several sources, each in the order of its own time, that arrive in batches.

    A moment is settled once no open source can still tell of it; what is settled is exact and its edges are
    dropped. So a source that is silent has to be advanced, and one that is gone to be closed, or it holds up
    the others. One that joins late cannot change what is settled: its earlier edges are counted in `late`.
    """

    __slots__ = ("_late", "_sources", "now", "settled", "unmatched")

    def __init__(self, size: int = 240) -> None:
        self.now = 0
        self.settled = InFlight(size)
        self.unmatched = 0
        self._late = 0
        self._sources: dict[Hashable, _Source] = {}

    @property
    def peak(self) -> int:
        """The most that were in flight at any settled moment; `now` may lead, it counts all that arrived."""
        return self.settled.peak

    @property
    def late(self) -> int:
        """Edges that came out of order, or after their moment was settled."""
        return self._late + self.settled.late

    @property
    def waiting(self) -> int:
        """Edges that have arrived and are not settled."""
        return sum(len(source.edges) for source in self._sources.values())

    def feed(self, source: Hashable, edges: Iterable[tuple[int, bool]]) -> None:
        """Take a batch of (moment, whether it is a begin); nothing earlier than its last moment will come."""
        sender = self._sources.setdefault(source, _Source())
        before = sender.now
        for t, begins in edges:
            if t < sender.reached:
                self._late += 1
            else:
                sender.reached = min(t, LATEST_NS)
            if begins:
                sender.edges.append(sender.reached << 1 | 1)
                sender.now += 1
            elif sender.now:
                sender.edges.append(sender.reached << 1)
                sender.now -= 1
            else:
                self.unmatched += 1
        self.now += sender.now - before
        self._settle()

    def advance(self, source: Hashable, t: int) -> None:
        """The source, which may be new, will tell of nothing earlier than `t`."""
        sender = self._sources.setdefault(source, _Source())
        sender.reached = max(sender.reached, min(t, LATEST_NS))
        self._settle()

    def close(self, source: Hashable) -> None:
        """The source will tell of nothing more; what it left running stays in flight."""
        if source in self._sources:
            self._sources[source].open = False
            self._settle()

    def line(self, until: int | None = None) -> TimeLine | None:
        """The settled number in flight over time, as `InFlight.line`."""
        return self.settled.line(until)

    def _settle(self) -> None:
        """Apply the edges of all moments before the earliest that an open source may still tell of."""
        sources = self._sources.values()
        horizon = min((source.reached for source in sources if source.open), default=LATEST_NS + 1)
        ready: list[int] = []
        for source in sources:
            n = bisect_left(source.edges, horizon << 1)
            ready += source.edges[:n]
            del source.edges[:n]
        ready.sort()
        for edge in ready:
            self.settled.change(edge >> 1, 1 if edge & 1 else -1)
        for name in [name for name, source in self._sources.items() if not (source.open or source.edges)]:
            del self._sources[name]


class _Source:
    """What one source has told of that is not settled: each edge as twice its moment, plus 1 for a begin."""

    __slots__ = ("edges", "now", "open", "reached")

    def __init__(self) -> None:
        self.edges = array("q")
        self.now = 0
        self.open = True
        self.reached = 0
