"""How many operations are in flight: now, at most, and over time, exact from their begins and ends.

An operation is in flight from its begin until just before its end, so two that touch do not overlap and one
that takes no time is never seen. Moments are whole nanoseconds, 0 or more, of one clock.
"""

from __future__ import annotations

from itdash.measure.timeline import TimeLine, TimeLineRecorder


class InFlight:
    """The operations of one source that tells of them in the order of time.

    `late` counts the edges that came out of that order and were taken as of the moment reached by then: where
    it is not 0 the peak is not exact.
    """

    __slots__ = ("_moment", "_peak", "_recorder", "_size", "late", "now")

    def __init__(self, size: int = 240) -> None:
        self.now = 0
        self.late = 0
        self._size = size
        self._peak = 0
        self._moment = -1  # before every moment
        self._recorder: TimeLineRecorder | None = None

    @property
    def peak(self) -> int:
        """The most that were in flight at any one moment so far."""
        return max(self._peak, self.now)

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
