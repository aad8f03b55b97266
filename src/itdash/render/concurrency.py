"""How many ran at once: tests, and each operation, over time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.charts import resample, spark
from itdash.render.spans import pad, push
from itdash.render.text import one_line

if TYPE_CHECKING:
    from itdash.measure.timeline import TimeLine
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.run import RunState

_PEAK: Final = re.compile(r"^peak\s*(==|<=|<)\s*(\d+)$")
_NAME_LEAST, _NAME_MOST = 9, 28
_NUMBER: Final = 6
_CHART_LEAST: Final = 8


class Level(NamedTuple):
    """One thing that can run several times at once."""

    name: str
    line: TimeLine | None
    now: int
    peak: int
    limit: int = 0
    """What the most generous budget lets it reach; 0 where tests without one went beyond that."""
    broken: bool = False


def levels(state: RunState, now: int) -> list[Level]:
    """Every operation that had a begin, the ones in flight first, then the highest."""
    limits: dict[str, tuple[int, bool]] = {}
    for verdict in state.operations.budgets.values():
        found = _PEAK.match(verdict.limit)
        if found:
            limit, broken = limits.get(verdict.operation, (0, False))
            limit = max(limit, int(found[2]) - (found[1] == "<"))
            limits[verdict.operation] = (limit, broken or verdict.verdict == "broken")
    end = state.finished.t if state.finished else now
    found_levels = []
    for name, operation in state.operations.operations.items():
        total = operation.total
        if total.peak or total.now:
            limit, broken = limits.get(name, (0, False))
            if total.peak > limit and not broken:
                limit = 0
            found_levels.append(Level(name, total.line(end), total.now, total.peak, limit, broken))
    return sorted(found_levels, key=lambda level: (-min(level.now, 1), -level.peak, level.name))


def lines(state: RunState, now: int, width: int, paint: Paint) -> list[Spans]:
    """A line for each operation: its name, its course, how many now, at most, and the limit."""
    found = levels(state, now)
    if not found:
        return []
    name = max(_NAME_LEAST, min(_NAME_MOST, width // 3, max(len(level.name) for level in found)))
    limited = any(level.limit for level in found)
    fixed = name + 2 * (_NUMBER + 1) + (_NUMBER + 2 if limited else 0)
    places = width - fixed - 2
    start, end = _span(state, now)
    head: Spans = [("dim", pad("operation", name + 1))]
    if places >= _CHART_LEAST:
        head.append(("dim", pad("", places + 1)))
    head += [("dim", push("now", _NUMBER)), ("dim", push("peak", _NUMBER + 1))]
    if limited:
        head.append(("dim", push("limit", _NUMBER + 2)))
    drawn = [head]
    for level in found:
        spans: Spans = [("plain", pad(one_line(level.name), name, paint.glyph("cut"))), ("plain", " ")]
        if places >= _CHART_LEAST:
            values = resample(level.line, start, end, places) if level.line else [0] * places
            role = "broken" if level.broken else "chart"
            spans.append((role, spark(values, max(level.peak, level.limit), paint.ascii)))
            spans.append(("plain", " "))
        spans.append(("running" if level.now else "dim", push(f"{level.now:,}", _NUMBER)))
        spans.append(("broken" if level.broken else "peak", push(f"{level.peak:,}", _NUMBER + 1)))
        if limited:
            mark = paint.glyph("failed" if level.broken else "passed")
            text = f"{level.limit:,} {mark}" if level.limit else ""
            spans.append(("broken" if level.broken else "kept", push(text, _NUMBER + 2)))
        drawn.append(spans)
    return drawn


def _span(state: RunState, now: int) -> tuple[int, int]:
    """From the first test on: what came before it is only pytest collecting."""
    firsts = [operation.total.first for operation in state.operations.operations.values()]
    start = min((first for first in firsts if first >= 0), default=0)
    last = max((operation.total.last for operation in state.operations.operations.values()), default=0)
    return start, max(last if state.finished else now, start + 1)
