"""The part of the time that is looked at, and the columns that it is drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.state.lanes import column_of

if TYPE_CHECKING:
    from itdash.render.paint import Paint
    from itdash.state.lanes import Lanes
    from itdash.state.run import RunState

LEAST_SPAN: Final = 1_000
"""So many nanoseconds are seen at least, one for each column of any screen."""


class Reach(NamedTuple):
    """From when to when there is something to see."""

    first: int
    last: int


class View(NamedTuple):
    """The part of the time that a reader looks at; 0 for all of it."""

    span: int = 0
    start: int = 0
    follows: bool = True
    """Whether it goes with the end of the run."""

    def bounds(self, reach: Reach) -> Reach:
        """What is seen, within what there is."""
        whole = reach.last - reach.first
        if not 0 < self.span < whole:
            return reach
        start = reach.last - self.span if self.follows else self.start
        start = max(reach.first, min(start, reach.last - self.span))
        return Reach(start, start + self.span)

    def zoomed(self, closer: bool, around: int | None, reach: Reach) -> View:
        """Half of it, or twice as much; a moment given stays where it is seen."""
        seen = self.bounds(reach)
        before = seen.last - seen.first
        span = max(LEAST_SPAN, before // 2) if closer else before * 2
        if span >= reach.last - reach.first:
            return View()
        if around is None and self.follows:
            return View(span)
        fixed = seen.first + before // 2 if around is None else max(seen.first, min(around, seen.last))
        start = fixed - (fixed - seen.first) * span // before
        return View(span, View(span, start, False).bounds(reach).first, False)

    def scrolled(self, by: int, reach: Reach) -> View:
        """The same, earlier or later; it follows no longer."""
        seen = self.bounds(reach)
        if seen == reach:
            return self
        return View(self.span, View(self.span, seen.first + by, False).bounds(reach).first, False)


class Scene(NamedTuple):
    """What is seen, in how many columns, and what it is drawn from."""

    seen: Reach
    places: int
    state: RunState
    now: int
    paint: Paint

    def edge(self, column: int) -> int:
        """When a column begins."""
        return self.seen.first + (self.seen.last - self.seen.first) * column // self.places

    def column(self, t: int) -> int:
        """The column of a moment, which may lie outside."""
        return column_of(t, self.seen.first, self.seen.last - self.seen.first, self.places)


def reach(lanes: Lanes, state: RunState, now: int) -> Reach:
    """From the first test on; while the run goes on, to a moment that moves in steps."""
    totals = [operation.total for operation in state.operations.operations.values()]
    firsts = [lanes.first, *(total.first for total in totals)]
    first = min((t for t in firsts if t >= 0), default=0)
    if state.finished is None:
        span = max(now - first, LEAST_SPAN)
        step = 1 << max(0, span.bit_length() - 6)
        return Reach(first, first + (span // step + 1) * step)
    last = max([lanes.last(state.finished.t), *(total.last for total in totals)])
    return Reach(first, max(last, first + LEAST_SPAN))
