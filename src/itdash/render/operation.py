"""Everything that was measured of one operation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from itdash.measure.latency import percentile, samples_needed
from itdash.measure.units import format_ns, format_value
from itdash.render.charts import axis, bar, chart, chart_labels, histogram
from itdash.render.concurrency import levels
from itdash.render.latency import by_operation, glyph_of, role_of
from itdash.render.spans import pad, push
from itdash.render.text import columns, cut_front, one_line
from itdash.render.words import count
from itdash.state.measured import QUANTILES, percentiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.measure.latency import Histogram
    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.state.operations import Operation
    from itdash.state.run import RunState

_LISTED: Final = 200
_BAR: Final = 24
_NAME_LEAST: Final = 8
_VERDICTS: Final = {"kept": "kept", "broken": "broken", "never ran": "broken", "too few samples": "skipped"}
_BUDGETS: Final = {
    "kept": "kept", "broken": "broken", "never ran": "that never ran",
    "too few samples": "with too few samples",
}  # fmt: skip
_TIMES: Final = ("p50", "p95", "p99")


def lines(
    operation: Operation, state: RunState, now: int, width: int, height: int, paint: Paint
) -> list[Spans]:
    """Its figures, and below each other: latencies, course, by concurrency, labels, tests, budgets."""
    rows = max(4, min(12, height // 4))
    parts = [
        _figures(operation, state, width),
        _latencies(operation, width, rows, paint),
        _course(operation, state, now, width, max(4, rows - 3), paint),
        _budgets(operation, state, paint),
        _by_concurrency(operation, width, paint),
        _labels(operation, width, paint),
        _cases(operation, state, width, paint),
    ]
    drawn: list[Spans] = []
    for part in parts:
        found = list(part)
        if found and drawn:
            drawn.append([])
        drawn += found
    return (
        [[(role, text.replace("µ", "u")) for role, text in spans] for spans in drawn]
        if paint.ascii
        else drawn
    )


def _figures(operation: Operation, state: RunState, width: int) -> Iterator[Spans]:
    total = operation.total
    told: list[Span] = [
        ("plain", f"n {total.count:,}"),
        ("failed" if total.errors else "dim", count(total.errors, "error")),
    ]
    if total.cancelled:
        told.append(("skipped", f"{total.cancelled:,} cancelled"))
    if total.unfinished:
        told.append(("crashed", f"{total.unfinished:,} without an end"))
    if total.rate is not None:
        told.append(("plain", format_value(total.rate, "rate")))
    if total.peak or total.now:
        told += [("running" if total.now else "dim", f"{total.now:,} now"), ("peak", f"peak {total.peak:,}")]
    if total.flight.late:
        told.append(("skipped", f"{total.flight.late:,} came late: the peak may not be exact"))
    verdicts = Counter(verdict.verdict for verdict in by_operation(state).get(operation.name, ()))
    for verdict, number in verdicts.items():
        told.append((_VERDICTS[verdict], f"{count(number, 'budget')} {_BUDGETS[verdict]}"))
    spans: Spans = []
    for role, text in told:
        if spans and sum(columns(piece) for _, piece in spans) + len(text) + 2 > width:
            yield spans
            spans = []
        spans += [("plain", "  "), (role, text)] if spans else [(role, text)]
    yield spans


def _budgets(operation: Operation, state: RunState, paint: Paint) -> Iterator[Spans]:
    """The verdict on each, the worst first."""
    verdicts = by_operation(state).get(operation.name, ())
    if verdicts:
        yield [("title", "budgets")]
    room = max((columns(verdict.limit) for verdict in verdicts), default=0)
    for verdict in verdicts[:_LISTED]:
        measured = "" if verdict.measured is None else format_value(verdict.measured, verdict.dimension)
        told = f"  measured {measured}, n {verdict.n:,}" if measured else ""
        yield [
            (role_of(verdict), f"{paint.glyph(glyph_of(verdict))} {pad(one_line(verdict.limit), room)}"),
            ("plain", f"  {verdict.verdict}{told}"),
            ("dim", f"  {one_line(state.ids.get(verdict.case, ''))}"),
        ]  # fmt: skip


def _latencies(operation: Operation, width: int, rows: int, paint: Paint) -> Iterator[Spans]:
    """The histogram, and each percentile with the samples behind it or those that it lacks."""
    latency = operation.total.latency
    if not latency.count or latency.min is None or latency.max is None:
        return
    yield [("title", "latency")]
    yield from histogram(latency, width, rows + 3, paint)
    least, most = format_ns(latency.min), format_ns(latency.max)
    mean = format_ns(latency.sum / latency.count)
    yield [("dim", f"n {latency.count:,}  min "), ("plain", least), ("dim", "  mean "), ("plain", mean),
           ("dim", "  max "), ("plain", most)]  # fmt: skip
    carried: Spans = []
    lacking: Spans = []
    for name, q in QUANTILES.items():
        value = percentile(latency, q).value
        if value is None:
            lacking.append(("dim", f"{name} needs {samples_needed(q):,} samples  "))
        else:
            carried += [("dim", f"{name} "), ("strong", f"{format_ns(value)}  ")]
    yield from ([spans for spans in (carried, lacking) if spans])


def _course(
    operation: Operation, state: RunState, now: int, width: int, rows: int, paint: Paint
) -> Iterator[Spans]:
    """How many were in flight from the first to the last."""
    level = next((level for level in levels(state) if level.name == operation.name), None)
    if level is None:
        return
    total = operation.total
    last = now if level.now and state.finished is None else total.last
    start, end = max(0, total.first), max(last, total.first + 1)
    gutter = len(f"{max(level.peak, level.limit):,}") + 1
    places = width - gutter
    if places < 1:
        return
    yield [("title", "in flight")]
    values = level.values(start, end, places, last)
    drawn = chart(values, rows, level.limit, level.broken, paint)
    for (role, text), spans in zip(chart_labels(values, rows, level.limit), drawn, strict=True):
        yield [(role, push(text, gutter - 1) + " "), *spans]
    yield [("plain", " " * gutter), ("dim", axis(start, end, places, paint))]


def _by_concurrency(operation: Operation, width: int, paint: Paint) -> Iterator[Spans]:
    """How long it took, by how many were in flight when it began; the bars compare the medians."""
    rows = operation.total.by_concurrency.rows()
    if not rows:
        return
    yield [("title", "latency by how many were in flight at its begin")]
    longest = max(histogram.quantile(0.5) or 0 for _, histogram in rows)
    table = [(label, label, _cells(latency)) for label, latency in rows]
    head, *lines = _table("in flight", table, width, paint)
    yield head
    room = min(_BAR, width - sum(columns(text) for _, text in head) - 2)
    for (_, latency), spans in zip(rows, lines, strict=True):
        share = (latency.quantile(0.5) or 0) / longest if longest else 0.0
        full = bar(share, room, paint.glyph("bar"), " ")[0] if room >= _NAME_LEAST else ""
        yield [*spans, ("chart", f"  {full}")]


def _labels(operation: Operation, width: int, paint: Paint) -> Iterator[Spans]:
    if not operation.sets:
        return
    yield [("title", "by labels")]
    sets = sorted(operation.sets.items(), key=lambda item: (-item[1].count, item[0]))
    table = [
        (_label(labels), tally.errors, _cells(tally.latency, tally.count, tally.errors))
        for labels, tally in sets
    ]
    yield from _table("labels", table, width, paint, errors=True)


def _cases(operation: Operation, state: RunState, width: int, paint: Paint) -> Iterator[Spans]:
    """The tests during which it began, those with most first."""
    if not operation.cases:
        return
    yield [("title", f"in {count(len(operation.cases), 'test')}")]
    cases = sorted(operation.cases.items(), key=lambda item: (-item[1].count, item[0]))
    table = [
        (state.ids.get(case, str(case)), tally.errors, _cells(tally.latency, tally.count, tally.errors))
        for case, tally in cases[:_LISTED]
    ]
    yield from _table("test", table, width, paint, errors=True)
    if len(cases) > _LISTED:
        yield [("dim", f"and {len(cases) - _LISTED:,} more")]


def _label(labels: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{key}={value}" if key != value else key for key, value in labels)


def _cells(latency: Histogram, n: int = -1, errors: int = -1) -> list[str]:
    carried = percentiles(latency)
    times = [carried[name] for name in _TIMES] + [latency.max]
    counts = [f"{latency.count if n < 0 else n:,}"] + ([f"{errors:,}"] if errors >= 0 else [])
    return counts + ["-" if ns is None else format_ns(ns) for ns in times]


def _table(
    name: str, rows: Sequence[tuple[str, object, list[str]]], width: int, paint: Paint, errors: bool = False
) -> Iterator[Spans]:
    """Names at the left, the begins of those left out for which there is no room, and columns of figures."""
    heads = ["n", *(["errors"] if errors else []), *_TIMES, "max"]
    widths = [
        max(columns(cells[place]) for cells in (heads, *(row[2] for row in rows)))
        for place in range(len(heads))
    ]
    names = [one_line(row[0]) for row in rows]
    room = max(_NAME_LEAST, min(max(map(columns, (name, *names))), width - sum(widths) - 2 * len(widths)))
    yield [("dim", pad(name, room) + "".join("  " + push(*pair) for pair in zip(heads, widths, strict=True)))]
    for told, (_, failing, cells) in zip(names, rows, strict=True):
        figures = "".join("  " + push(*pair) for pair in zip(cells, widths, strict=True))
        role = "failed" if errors and failing else "plain"
        yield [("plain", pad(cut_front(told, room, paint.glyph("cut")), room)), (role, figures)]
