"""Pieces of pictures as SVG: numbers as short as can be, foreign text escaped, colours left to the page."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

from markupsafe import Markup, escape

from itdash.measure.units import format_ns
from itdash.render.charts import moment
from itdash.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SECOND: Final = 10**9
_STEPS: Final = (
    *(n * 10**power for power in range(9) for n in (1, 2, 5)),
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000)),
)
_CHARACTER: Final = 6.5


class Picture(NamedTuple):
    """A drawing and what stands above it."""

    title: str
    svg: Markup
    note: str = ""


def picture(title: str, width: int, height: int, parts: Iterable[str], note: str = "") -> Picture:
    """A whole drawing; its title is what a reader hears who does not see it."""
    label = escape(one_line(f"{title} {note}".strip()))
    inside = "".join(parts)
    return Picture(
        title,
        Markup(  # every foreign text in the parts has been through `escape`
            f'<svg role=img aria-label="{label}" viewBox="0 0 {width} {height}" width={width} '
            f"height={height}>"
            f"{inside}</svg>"
        ),
        note,
    )


def number(value: float) -> str:
    """A coordinate, exact to a tenth."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def text(x: float, y: float, words: str, anchor: str = "start", role: str = "") -> str:
    """Words that begin, end or are centred at a place."""
    anchored = f" text-anchor={anchor}" if anchor != "start" else ""
    marked = f" class={role}" if role else ""
    return f"<text x={number(x)} y={number(y)}{anchored}{marked}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, role: str) -> str:
    """A straight line."""
    return f'<path class={role} d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>'


def boxes(role: str, places: Iterable[tuple[float, float, float, float]]) -> str:
    """Many boxes of one colour as one path: x, y, width, height."""
    drawn = "".join(
        f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"
        for x, y, width, height in places
    )
    return f'<path class={role} d="{drawn}"/>' if drawn else ""


def box(role: str, place: tuple[float, float, float, float], title: str) -> str:
    """A box that tells its name to who points at it."""
    x, y, width, height = map(number, place)
    told = escape(one_line(title, 300))
    return f"<rect class={role} x={x} y={y} width={width} height={height}><title>{told}</title></rect>"


def time_axis(left: float, right: float, y: float, start: int, end: int) -> list[str]:
    """Moments since the run began, below a line."""
    span, room = max(1, end - start), right - left
    step = next(
        (step for step in _STEPS if room * step / span > _CHARACTER * (len(moment(end, step)) + 3)), span
    )
    drawn = [line(left, y, right, y, "axis")]
    for t in range(-(-start // step) * step, end + 1, step):
        x = left + room * (t - start) / span
        drawn.append(line(x, y, x, y + 4, "axis"))
        drawn.append(text(x, y + 15, moment(t, step), "middle"))
    return drawn


def bounds(least: int, most: int) -> tuple[int, int]:
    """A round time at or below one, and a round one above the other."""
    rounds = [n * 10**power for power in range(21) for n in (1, 2, 5)]
    low = max(step for step in rounds if step <= max(1, least))
    return low, min(step for step in rounds if step > max(most, low))


def log_axis(left: float, right: float, y: float, low: int, high: int) -> list[str]:
    """Round times on a logarithmic axis, as many as have room."""
    drawn = [line(left, y, right, y, "axis")]
    for digits in ((1, 2, 5), (1,)):
        times = [n * 10**power for power in range(21) for n in digits if low <= n * 10**power <= high]
        if len(times) * 45 <= right - left or digits == (1,):
            break
    for ns in times:
        x = left + (right - left) * log(ns / low) / log(high / low)
        drawn.append(line(x, y, x, y + 4, "axis"))
        drawn.append(text(x, y + 15, format_ns(ns, 1), "middle"))
    return drawn


def steps(values: Sequence[float], left: float, width: float, ground: float, unit: float) -> str:
    """Neighbouring levels of one width as a filled line."""
    drawn, before = [f"M{number(left)} {number(ground)}"], 0.0
    for place, value in enumerate(values):
        if value != before:
            drawn.append(f"H{number(left + place * width)}V{number(ground - value * unit)}")
        before = value
    drawn.append(f"H{number(left + len(values) * width)}V{number(ground)}z")
    return f'<path class=level d="{"".join(drawn)}"/>'
