"""The pictures of a run: latencies, what was in flight, tests by worker, requirements by test."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final

from itdash.measure.latency import percentile
from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.charts import buckets, resample
from itdash.render.concurrency import levels
from itdash.render.document import run
from itdash.render.text import one_line
from itdash.state.lanes import OUTCOMES
from itdash.views.html import svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.measure.latency import Histogram
    from itdash.render.concurrency import Level
    from itdash.render.document.run import Recording
    from itdash.state.lanes import Lane
    from itdash.state.requirements import SuiteMatrix
    from itdash.views.html.svg import Picture

MOST: Final = 12
"""So many operations have pictures of their own."""

_WIDTH, _WIDE = 340, 1060
_BINS: Final = 44
_NAMED_MOST: Final = 400
_LANES_MOST: Final = 64
_MATRIX_ROWS, _MATRIX_COLUMNS = 80, 120
_MARKED: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_ROLES: Final = {
    "passed": "passed", "failed": "failed", "error": "failed", "crashed": "crashed", "timed out": "crashed",
    "interrupted": "crashed", "flaky": "flaky", "rerun": "flaky", "running": "running", "xpassed": "passed",
}  # fmt: skip


def latencies(recording: Recording) -> list[Picture]:
    """A histogram for each of the busiest operations."""
    found = [
        (name, operation.total.latency)
        for name, operation in recording.state.operations.operations.items()
        if operation.total.latency.count > 1
    ]
    found.sort(key=lambda one: (-one[1].count, one[0]))
    return [_histogram(name, latency) for name, latency in found[:MOST]]


def _histogram(name: str, latency: Histogram) -> Picture:
    left, right, top, ground = 18, _WIDTH - 18, 22, 120
    low, high = svg.bounds(latency.min or 0, latency.max or 0)
    scale = log(high / low)
    counts = [0] * _BINS
    for ns, count in buckets(latency):
        counts[min(_BINS - 1, max(0, int(log(max(ns, 1) / low) / scale * _BINS)))] += count
    wide = (right - left) / _BINS
    tall = (ground - top) / max(counts)
    bars = [
        (left + place * wide, ground - max(1.0, count * tall), wide - 0.6, max(1.0, count * tall))
        for place, count in enumerate(counts)
        if count
    ]
    parts = [svg.boxes("bar", bars), *svg.log_axis(left, right, ground, low, high)]
    told = []
    for key, q in _MARKED.items():
        value = percentile(latency, q).value
        if value is not None:
            x = left + (right - left) * log(max(value, 1) / low) / scale
            parts.append(svg.line(x, top - 8, x, ground, "mark"))
            told.append(f"{key} {format_ns(value)}")
    told.append(f"max {format_ns(latency.max or 0)}")
    return svg.picture(one_line(name), _WIDTH, 142, parts, f"n={latency.count:,}, {', '.join(told)}")


def in_flight(recording: Recording) -> list[Picture]:
    """How many of each operation ran at once over the time of the run, with the limit of its budget."""
    every = [level for level in levels(recording.state) if level.peak]
    every.sort(key=lambda level: (-level.peak, level.name))
    start, end = _reach(recording)
    return [_level(level, start, end) for level in every[:MOST]] if end > start else []


def _level(level: Level, start: int, end: int) -> Picture:
    left, right, top, ground, places = 48, 520, 12, 110, 240
    line = level.tally.line(end)
    values = resample(line, start, end, places) if line is not None else []
    most = max(level.peak, level.limit, 1)
    unit = (ground - top) / most
    parts = [svg.steps(values, left, (right - left) / places, ground, unit)]
    parts += svg.time_axis(left, right, ground, start, end)
    parts.append(svg.text(left - 5, ground, "0", "end"))
    parts.append(svg.text(left - 5, ground - level.peak * unit + 4, f"{level.peak:,}", "end", "name"))
    note = f"peak {level.peak:,}"
    if level.limit:
        y = ground - level.limit * unit
        parts.append(svg.line(left, y, right, y, "limit"))
        if level.limit != level.peak:
            parts.append(svg.text(left - 5, y + 4, f"{level.limit:,}", "end", "limit-text"))
        note += f", limit {level.limit:,}{', broken' if level.broken else ''}"
    return svg.picture(one_line(level.name), 540, 132, parts, note)


def timeline(recording: Recording) -> Picture | None:
    """Which tests ran when, a row for each worker; where they are many, the worst of each stretch of time."""
    lanes = [lane for lane in recording.lanes.named if lane.starts]
    start, end = _reach(recording)
    if not lanes or end <= start:
        return None
    shown = lanes[:_LANES_MOST]
    left, right, tall = 110, _WIDE - 20, 16
    named = sum(len(lane.starts) for lane in shown) <= _NAMED_MOST
    parts = []
    for row, lane in enumerate(shown):
        y = 6 + row * (tall + 5)
        parts.append(svg.text(left - 8, y + 12, lane.name or "main process", "end", "name"))
        parts.append(svg.boxes("lane", [(left, y, right - left, tall)]))
        place = (left, right, y, tall, start, end)
        parts += _each(recording, lane, place) if named else _columns(lane, place)
    ground = 6 + len(shown) * (tall + 5)
    parts += svg.time_axis(left, right, ground, start, end)
    parts += _marks(recording, left, right, ground, start, end)
    more = (
        f"{words.count(len(lanes) - len(shown), 'more worker')} not shown" if len(lanes) > len(shown) else ""
    )
    return svg.picture("Tests by worker", _WIDE, ground + 20, parts, more)


_Place = tuple[int, int, int, int, int, int]


def _each(recording: Recording, lane: Lane, where: _Place) -> Iterator[str]:
    left, right, y, tall, start, end = where
    scale = (right - left) / (end - start)
    for place, number in enumerate(lane.numbers):
        begin, until = lane.starts[place], lane.end(place, end)
        word = OUTCOMES[lane.outcomes[place]]
        title = f"{recording.state.ids.get(number, '')} {word} {run.took(until - begin)}"
        wide = max(0.7, (until - begin) * scale - 0.3)
        yield svg.box(
            f"s-{_ROLES.get(word, 'skipped')}", (left + (begin - start) * scale, y, wide, tall), title
        )


def _columns(lane: Lane, where: _Place) -> Iterator[str]:
    left, right, y, tall, start, end = where
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    x = left
    for stretch in lane.stretches(start, end, right - left, end):
        if stretch.high > stretch.low:
            word = OUTCOMES[lane.worst(stretch.low, stretch.high)]
            boxes = found.setdefault(f"s-{_ROLES.get(word, 'skipped')}", [])
            if boxes and boxes[-1][0] + boxes[-1][2] == x:
                boxes[-1] = (boxes[-1][0], y, boxes[-1][2] + stretch.columns, tall)
            else:
                boxes.append((x, y, stretch.columns, tall))
        x += stretch.columns
    for role in sorted(found):
        yield svg.boxes(role, found[role])


def _marks(recording: Recording, left: int, right: int, ground: int, start: int, end: int) -> Iterator[str]:
    for t, told in recording.lanes.marks[:_NAMED_MOST]:
        x = left + (right - left) * (t - start) / (end - start)
        yield svg.line(x, 2, x, ground, "mark")
        yield svg.box("lane", (x - 1, 0, 3, 5), told)


def _reach(recording: Recording) -> tuple[int, int]:
    """From the first test to the end of the last, or of the whole run where no test began."""
    last = run.duration(recording.state)
    first = max(0, recording.lanes.first)
    return first, max(recording.lanes.last(last), first)


def matrix(suite: SuiteMatrix) -> Picture | None:
    """Requirements against the tests that speak for them; none where there are too many to be read."""
    rows = [(line.row.id, line.tests) for line in suite.lines if line.leaf or line.tests]
    rows += [(one.id, one.tests) for one in suite.unknown]
    tests = list(dict.fromkeys(result.id for _, results in rows for result in results))
    if not tests or len(rows) > _MATRIX_ROWS or len(tests) > _MATRIX_COLUMNS:
        return None
    left, size = 150, 15
    parts, column = [], {id: place for place, id in enumerate(tests)}
    for row, (id, results) in enumerate(rows):
        y = 4 + row * (size + 2)
        parts.append(svg.text(left - 8, y + 11, one_line(id, 22), "end", "name"))
        parts.append(svg.boxes("lane", [(left, y, len(tests) * (size + 2) - 2, size)]))
        for result in results:
            role = _ROLES.get(result.outcome, "skipped")
            place = (left + column[result.id] * (size + 2), y, size, size)
            parts.append(svg.box(f"s-{role}", place, f"{id}: {result.id} {result.outcome or 'not run'}"))
    height = 8 + len(rows) * (size + 2)
    note = f"{words.count(len(rows), 'requirement')}, {words.count(len(tests), 'test')}"
    return svg.picture("Requirements by test", left + len(tests) * (size + 2) + 4, height, parts, note)
