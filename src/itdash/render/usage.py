"""What the run takes of the machine, over time, what tests left behind, and what must be told beside."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.charts import spark
from itdash.render.spans import pad, push
from itdash.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.resources import Point
    from itdash.state.run import RunState

_NAME: Final = 12
_VALUE: Final = 8
_NOTES: Final = 100


def lines(state: RunState, width: int, paint: Paint) -> list[Spans]:
    """Notes first, for they are seldom; then leaks, then a line for each thing that is taken."""
    return [*_notes(state, paint), *_leaks(state, paint), *_taken(state, width, paint)]


def _notes(state: RunState, paint: Paint) -> list[Spans]:
    told = [
        [("crashed", f"{paint.glyph('crashed')} internal error of pytest")] for _ in state.internal_errors
    ]
    told += [[("warned", f"{paint.glyph('flaky')} {one_line(note)}")] for note in state.notes[:_NOTES]]
    for orphan in state.orphans[:_NOTES]:
        whose = one_line(orphan.node) or "the run"
        told.append(
            [("warned", f"{paint.glyph('flaky')} {whose} left a process: {one_line(orphan.command)}")]
        )
    if state.finished and state.finished.reason and state.finished.verdict != "passed":
        told.append([("failed", f"{paint.glyph('failed')} {one_line(state.finished.reason)}")])
    return told


def _leaks(state: RunState, paint: Paint) -> list[Spans]:
    told = []
    for leak in list(state.resources.leaks.values())[:_NOTES]:
        what = one_line(leak.names[0]) if leak.names else ""
        more = f" and {leak.count - 1:,} more" if leak.count > 1 else ""
        test = one_line(state.ids.get(leak.case, "")).rpartition("::")[2]
        told.append([("warned", f"{paint.glyph('flaky')} {leak.leak} left by {test}: {what}{more}")])
    return told


def _taken(state: RunState, width: int, paint: Paint) -> list[Spans]:
    series = state.resources.series
    if not series:
        return []
    places = max(0, width - _NAME - 2 * (_VALUE + 1) - 1)
    rows: list[tuple[str, list[float], str, str]] = []
    shares = _cpu(series)
    rows.append(("CPU", shares, f"{shares[-1]:.0%}", f"{max(shares):.0%}"))
    memory = [float(point.memory) for point in series]
    rows.append(("memory", memory, words.size(series[-1].memory), words.size(int(max(memory)))))
    for name, key in (("processes", "processes"), ("threads", "threads"), ("descriptors", "descriptors")):
        values = [float(getattr(point, key)) for point in series]
        rows.append((name, values, f"{values[-1]:,.0f}", f"{max(values):,.0f}"))
    head = pad("resource", _NAME + places) + push("now", _VALUE + 1) + push("most", _VALUE + 1)
    drawn: list[Spans] = [[("dim", head)]]
    for name, values, now, most in rows:
        course = spark(_spread(values, places), max(values), paint.ascii)
        last = "" if state.finished else now
        drawn.append(
            [
                ("plain", pad(name, _NAME)), ("chart", course),
                ("plain", push(last, _VALUE + 1)), ("peak", push(most, _VALUE + 1)),
            ]
        )  # fmt: skip
    total = f"{format_ns(state.resources.cpu)} of CPU in all"
    drawn.append([("dim", words.spelled(total, paint.ascii))])
    return drawn


def _cpu(series: Sequence[Point]) -> list[float]:
    """The share of a core between each look and the one before it."""
    shares = [series[0].cpu / series[0].t if series[0].t > 0 else 0.0]
    for before, after in pairwise(series):
        shares.append((after.cpu - before.cpu) / (after.t - before.t) if after.t > before.t else 0.0)
    return shares


def _spread(values: Sequence[float], places: int) -> list[float]:
    """The highest of the values that fall on each place; fewer values than places are stretched."""
    n = len(values)
    return [
        max(values[n * i // places : max(n * i // places + 1, n * (i + 1) // places)]) for i in range(places)
    ]
