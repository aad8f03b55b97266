"""How many ran at once: tests, and each operation, over time."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.charts import axis, chart, chart_labels, resample, spark
from itdash.render.spans import pad, push
from itdash.render.text import columns, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.measure.tally import Tally
    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.state.lanes import Lane, Lanes
    from itdash.state.run import RunState

_PEAK: Final = re.compile(r"^peak\s*(==|<=|<)\s*(\d+)$")
_NAME_LEAST, _NAME_MOST = 9, 28
_NUMBER: Final = 6
_MOST: Final = 60
_CHART_LEAST: Final = 8
_WIDE: Final = 56
_ROWS_LEAST, _ROWS_MOST = 4, 9
TESTS: Final = "tests"
"""The name of the first line, which is no operation."""

_NO_LABEL: Final = ("dim", "")


class Level(NamedTuple):
    """One thing that can run several times at once."""

    name: str
    tally: Tally
    limit: int = 0
    """What the most generous budget lets it reach; 0 where tests without one went beyond that."""
    broken: bool = False

    @property
    def now(self) -> int:
        """How many are in flight."""
        return self.tally.now

    @property
    def peak(self) -> int:
        """The most there ever were."""
        return max(self.tally.peak, self.tally.now)

    def values(self, start: int, end: int, places: int, now: int) -> list[int]:
        """The most in each of so many stretches between two moments, none of them after now."""
        line = self.tally.line(now)
        return resample(line, start, end, places) if line is not None else [0] * max(0, places)

    def grain(self, now: int) -> int:
        """The shortest time that is told apart, in nanoseconds."""
        line = self.tally.line(now)
        return line.width if line is not None else 0


def levels(state: RunState) -> list[Level]:
    """Every operation that had a begin, the ones in flight first, then the highest."""
    limits: dict[str, tuple[int, bool]] = {}
    for verdict in state.operations.budgets.values():
        peak = _peak_of(verdict.limit)
        if peak is not None:
            limit, broken = limits.get(verdict.operation, (0, False))
            limits[verdict.operation] = (max(limit, peak), broken or verdict.verdict == "broken")
    found_levels = []
    for name, operation in state.operations.operations.items():
        total = operation.total
        if total.peak or total.now:
            limit, broken = limits.get(name, (0, False))
            if max(total.peak, total.now) > limit and not broken:
                limit = 0
            found_levels.append(Level(name, total, limit, broken))
    return sorted(found_levels, key=lambda level: (-min(level.now, 1), -level.peak, level.name))


@lru_cache(maxsize=1_000)
def _peak_of(limit: str) -> int | None:
    """The highest that a budget lets a peak be; the texts of budgets are few."""
    found = _PEAK.match(limit)
    return int(found[2]) - (found[1] == "<") if found else None


def lines(
    state: RunState, now: int, width: int, paint: Paint, height: int = 0, lanes: Lanes | None = None
) -> list[Spans]:
    """A line for the tests and for each operation: its course, how many now, at most, and the limit.

    Where the height has room for more, each worker has a line, and the first ones a chart of several rows.
    """
    found = levels(state)
    beyond, found = len(found[_MOST:]), found[:_MOST]
    if len(found) + 2 <= height:  # where all can be seen, none has to move up when it begins
        found.sort(key=lambda level: (-level.peak, level.name))
    if lanes is not None and lanes.tests.count:
        found.insert(0, Level(TESTS, lanes.tests))
    if not found:
        return []
    workers = lanes.named if lanes is not None else []
    if len(workers) < 2 or height <= len(found) + len(workers):
        workers = []
    spare = height - 1 - len(found) - len(workers)
    charted = _charted(found, spare - 1) if width >= _WIDE else {}
    table = _Table(found, _span(state, now, lanes), _end(state, now), width, bool(charted), paint)
    drawn = [table.head()]
    for level in found:
        drawn += table.chart(level, charted[level.name]) if level.name in charted else [table.line(level)]
        if level.name == TESTS:
            drawn += [table.worker(lane) for lane in workers]
        if level.name in charted:
            drawn.append([])
    if beyond:
        drawn.append([("dim", f"and {beyond:,} more")])
    if charted:
        drawn.append([("plain", " " * table.before), ("dim", axis(*table.span, table.places, paint))])
    return drawn


def _charted(found: Sequence[Level], spare: int) -> dict[str, int]:
    """Which ones get how many rows, and a line below: the operations first, the tests after them.

    What runs once at a time, and may run more often, has no height to be shown.
    """
    wanting = [level for level in found if level.peak > 1 or level.limit]
    wanting.sort(key=lambda level: level.name == TESTS)
    wanting = wanting[: max(0, spare // _ROWS_LEAST)]
    if not wanting:
        return {}
    rows = min(_ROWS_MOST, spare // len(wanting))
    return {level.name: rows for level in wanting}


class _Table:
    """The columns that all lines share: the name, the course over one time axis, three figures."""

    def __init__(
        self, found: Sequence[Level], span: tuple[int, int], now: int, width: int, charts: bool, paint: Paint
    ) -> None:
        self.span, self.now, self.paint = span, now, paint
        self.limited = any(level.limit for level in found)
        longest = max(columns(one_line(level.name)) for level in found)
        self._name = max(_NAME_LEAST, min(_NAME_MOST, width // 3, longest))
        highest = max(max(level.peak, level.limit) for level in found)
        self._label = len(f"{highest:,}") + 1 if charts else 0
        self.before = self._name + 1 + self._label
        self.places = width - self.before - 2 * (_NUMBER + 1) - 1 - (_NUMBER + 2) * self.limited

    def head(self) -> Spans:
        """What the columns are."""
        spans: Spans = [("dim", pad("operation", self.before))]
        if self.places >= _CHART_LEAST:
            spans.append(("dim", " " * (self.places + 1)))
        spans += [("dim", push("now", _NUMBER)), ("dim", push("peak", _NUMBER + 1))]
        return [*spans, ("dim", push("limit", _NUMBER + 2))] if self.limited else spans

    def line(self, level: Level) -> Spans:
        """One line."""
        role = "broken" if level.broken else "chart"
        text = spark(self._values(level), max(level.peak, level.limit), self.paint.ascii)
        return self._row(level.name, _NO_LABEL, [(role, text)], self._figures(level))

    def chart(self, level: Level, rows: int) -> list[Spans]:
        """Several rows."""
        values = self._values(level)
        drawn: list[Spans] = []
        labels = chart_labels(values, rows, level.limit)
        for label, spans in zip(
            labels, chart(values, rows, level.limit, level.broken, self.paint), strict=True
        ):
            first = not drawn
            drawn.append(
                self._row(level.name if first else "", label, spans, self._figures(level) if first else [])
            )
        return drawn

    def worker(self, lane: Lane) -> Spans:
        """When a worker ran tests, and for which part of the time."""
        start, end = self.span
        edges = [start + (end - start) * place // self.places for place in range(max(0, self.places) + 1)]
        shares = [lane.busy(left, right, self.now) / max(1, right - left) for left, right in pairwise(edges)]
        share = lane.busy(start, end, self.now) / (end - start)
        text = push(f"{share:.0%} busy", 2 * _NUMBER + 1)
        return self._row(
            f"  {lane.name or 'main'}",
            _NO_LABEL,
            [("chart", spark(shares, 1.0, self.paint.ascii))],
            [("dim", text)],
        )

    def _values(self, level: Level) -> list[int]:
        return level.values(*self.span, self.places, self.now) if self.places >= _CHART_LEAST else []

    def _row(self, name: str, label: Span, course: Spans, figures: Spans) -> Spans:
        role, text = label
        spans: Spans = [("plain", pad(one_line(name), self._name, self.paint.glyph("cut")))]
        spans += [(role, push(text, self._label)), ("plain", " ")]
        if self.places >= _CHART_LEAST:
            spans += [*course, ("plain", " ")]
        return [*spans, *figures]

    def _figures(self, level: Level) -> Spans:
        role = "broken" if level.broken else "peak"
        spans: Spans = [("running" if level.now else "dim", push(f"{level.now:,}", _NUMBER))]
        spans.append((role, push(f"{level.peak:,}", _NUMBER + 1)))
        if self.limited:
            mark = self.paint.glyph("failed" if level.broken else "passed")
            text = f"{level.limit:,} {mark}" if level.limit else ""
            spans.append(("broken" if level.broken else "kept", push(text, _NUMBER + 2)))
        return spans


def _span(state: RunState, now: int, lanes: Lanes | None) -> tuple[int, int]:
    """From the first test on: what came before it is only pytest collecting."""
    totals = [operation.total for operation in state.operations.operations.values()]
    firsts = [total.first for total in totals] + ([lanes.first] if lanes is not None else [])
    start = min((first for first in firsts if first >= 0), default=0)
    last = max((total.last for total in totals), default=0)
    if lanes is not None:
        last = max(last, lanes.last(_end(state, now)))
    return start, max(last if state.finished else now, start + 1)


def _end(state: RunState, now: int) -> int:
    return state.finished.t if state.finished else now
