"""Levels over time and latencies as pictures made of characters."""

from __future__ import annotations

from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Final

from itdash.measure.latency import percentile
from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.spans import push
from itdash.render.spans import width as wide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from itdash.measure.latency import Histogram
    from itdash.measure.timeline import TimeLine
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_PLAIN: Final = " .:-=+*#@"
_SECOND: Final = 10**9
_STEPS: Final = (
    *(n * 10**power for power in range(9) for n in (1, 2, 5)),
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000)),
)
_FINEST: Final = 0.02
_MARKED: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def spark(values: Sequence[float], top: float, ascii_only: bool = False) -> str:
    """One character for each value, as high as its part of `top`; what is more than nothing is seen."""
    signs = _PLAIN if ascii_only else _BLOCKS
    steps = len(signs) - 1
    if top <= 0:
        return signs[0] * len(values)
    return "".join(
        signs[min(steps, max(1, round(value / top * steps)))] if value > 0 else signs[0] for value in values
    )


def resample(line: TimeLine, start: int, end: int, places: int) -> list[int]:
    """The highest level in each of so many equal stretches between two moments."""
    if end <= start or places <= 0:
        return [0] * max(0, places)
    span, width, highest = end - start, line.width, line.highest
    edges = [start - line.start + span * place // places for place in range(places + 1)]
    return [
        max(highest[max(0, left // width) : max(0, (right - 1) // width + 1)], default=0)
        for left, right in pairwise(edges)
    ]


def bar(share: float, places: int, full: str, empty: str) -> tuple[str, str]:
    """The two parts of a bar: something that has begun shows, and only the whole is full."""
    filled = int(share * places)
    if share > 0 and not filled:
        filled = 1
    if share < 1 and filled == places:
        filled = places - 1
    return full * filled, empty * (places - filled)


def area(values: Sequence[float], rows: int, unit: float, ascii_only: bool = False) -> list[str]:
    """The values as columns over several rows, the top one first; a row is `unit` high."""
    signs = _PLAIN if ascii_only else _BLOCKS
    steps = len(signs) - 1
    heights = [max(1, round(value / unit * steps)) if value > 0 else 0 for value in values]
    return [
        "".join(signs[min(steps, max(0, height - row * steps))] for height in heights)
        for row in range(rows - 1, -1, -1)
    ]


def chart(values: Sequence[float], rows: int, limit: int, broken: bool, paint: Paint) -> list[Spans]:
    """The values over several rows, with the limit as a dashed line on which what is kept can stand."""
    unit, line = _scale(max(values, default=0), rows, limit)
    drawn: list[Spans] = []
    role = "broken" if broken else "chart"
    dash = "_" if paint.ascii else paint.glyph("limit")  # the plain twin of the sign is a level of the chart
    for row, text in zip(range(rows - 1, -1, -1), area(values, rows, unit, paint.ascii), strict=True):
        drawn.append(_dashed(text, dash, role) if row == line else [(role, text)])
    return drawn


def chart_labels(values: Sequence[float], rows: int, limit: int) -> list[tuple[str, str]]:
    """What stands beside the rows of a chart: the limit, the peak, and 0 at the ground."""
    peak = max(values, default=0)
    unit, line = _scale(peak, rows, limit)
    labels = [("dim", "")] * rows
    labels[0] = ("dim", "0")
    if peak:
        labels[min(rows - 1, max(0, -int(-peak // unit) - 1))] = ("peak", f"{peak:,.0f}")
    if line >= 0:
        labels[line] = ("limit", f"{limit:,}")
    return labels[::-1]


def _scale(peak: float, rows: int, limit: int) -> tuple[float, int]:
    """How high a row is, and the row that stands on the limit; -1 where there is none."""
    if limit <= 0:
        return max(peak, 1) / rows, -1
    line = min(rows - 1, int(rows * limit / max(peak, limit)))
    return (limit / line, line) if line else (peak / rows, 0)


def _dashed(text: str, dash: str, role: str) -> Spans:
    spans: Spans = []
    for sign in text:
        piece = ("limit", dash) if sign == " " else (role, sign)
        if spans and spans[-1][0] == piece[0]:
            piece = (piece[0], spans.pop()[1] + piece[1])
        spans.append(piece)
    return spans


# -- axes of time --


def axis(start: int, end: int, places: int, paint: Paint) -> str:
    """Moments since the run began, each to the right of the sign that stands in its column."""
    span = max(1, end - start)
    step = next((step for step in _STEPS if step * places >= span * (len(moment(end, step)) + 3)), _STEPS[-1])
    text = ""
    for t in range(-(-start // step) * step, end + 1, step):
        column = ((t - start + 1) * places - 1) // span
        label = paint.glyph("wall") + moment(t, step)
        if column >= len(text) and column + len(label) <= places:
            text += " " * (column - len(text)) + label
    return text + " " * (places - len(text))


def moment(t: int, step: int) -> str:
    """A moment, as exact as a step of time needs it: 12s, 0.25s, 1:23.5, 1:02:03."""
    places = 0
    while places < 9 and step % 10 ** (9 - places):
        places += 1
    whole, rest = divmod(t, _SECOND)
    fraction = f".{rest // 10 ** (9 - places):0{places}d}" if places else ""
    if whole < 60:
        return f"{whole}{fraction}s"
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    told = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{told}:{seconds:02d}{fraction}"


# -- latencies --


def histogram(latency: Histogram, width: int, height: int, paint: Paint) -> list[Spans]:
    """Bars over a logarithmic axis of time, with the percentiles that the samples carry below them."""
    if not latency.count or width < 12:
        return []
    low, high = _bounds(latency.min or 0, latency.max or 0)
    scale = log(high / low)
    gutter = len(f"{latency.count:,}") + 1
    places = max(1, min(width - gutter, int(scale / _FINEST)))

    def column(ns: int) -> int:
        return min(places - 1, max(0, int(log(max(ns, 1) / low) / scale * places)))

    counts = [0] * places
    for ns, count in buckets(latency):
        counts[column(ns)] += count
    marks = _percentile_lines(latency, column, places, paint)[: max(0, height - 2)]
    rows = max(1, height - 1 - len(marks))
    top = max(counts)
    labels = [f"{top:,}", *[""] * (rows - 1)]
    lines: list[Spans] = [
        [("dim", push(label, gutter - 1) + " "), ("chart", text)]
        for label, text in zip(labels, area(counts, rows, top / rows, paint.ascii), strict=True)
    ]
    ground: Spans = [("dim", " " * gutter + _log_axis(low, high, places, paint))]
    return [*lines, ground, *([("plain", " " * gutter), *mark] for mark in marks)]


def buckets(latency: Histogram) -> Iterator[tuple[int, int]]:
    """The middle of each bucket of a histogram, and how many are in it."""
    bits, _, _, _, _, *pairs = latency.to_wire()
    bucket = 0
    for gap, count in zip(pairs[::2], pairs[1::2], strict=True):
        bucket += gap
        shift = max(0, (bucket >> (bits - 1)) - 1)
        yield (((bucket - (shift << (bits - 1))) << shift) + ((1 << shift) >> 1), count)


def _bounds(least: int, most: int) -> tuple[int, int]:
    """A round time below and one above, a decade apart at least."""
    rounds = [n * 10**power for power in range(21) for n in (1, 2, 5)]
    low = max(step for step in rounds if step <= max(1, least))
    high = min(step for step in rounds if step > most)
    while high < 10 * low:
        if low > 1 and log(least or 1) - log(low) < log(high) - log(max(1, most)):
            low = max(step for step in rounds if step < low)
        else:
            high = min(step for step in rounds if step > high)
    return low, high


def _log_axis(low: int, high: int, places: int, paint: Paint) -> str:
    """The round times of 1, 2 and 5 where there is room for them, else the decades."""
    scale = log(high / low)
    for digits in ((1, 2, 5), (1,)):
        times = [n * 10**power for power in range(21) for n in digits if low <= n * 10**power <= high]
        text = ""
        fits = True
        for ns in times:
            column = int(log(ns / low) / scale * places + 1e-9)
            label = paint.glyph("wall") + _time(ns, paint)
            if column < len(text) + bool(text):
                fits = False
            elif column + len(label) <= places:
                text += " " * (column - len(text)) + label
        if fits:
            break
    return text + " " * (places - len(text))


def _time(ns: int, paint: Paint) -> str:
    text = format_ns(ns, 1)
    return words.spelled(text, paint.ascii)


def _percentile_lines(
    latency: Histogram, column: Callable[[int], int], places: int, paint: Paint
) -> list[Spans]:
    """A sign below the column of each percentile with its name; those that would overlap go a line down."""
    lines: list[Spans] = []
    sign = "^" if paint.ascii else "▲"
    for name, q in _MARKED.items():
        value = percentile(latency, q).value
        if value is None:
            continue
        text = f"{sign} {name} {format_ns(value)}"
        text = words.spelled(text, paint.ascii)
        at = column(value)
        if at + len(text) > places:
            at, text = at + 1 - len(text), f"{text[2:]} {sign}"
        if at < 0:
            continue
        for line in lines:
            if wide(line) + 2 <= at:
                break
        else:
            line = []
            lines.append(line)
        line += [("plain", " " * (at - wide(line))), ("peak", text)]
    return lines
