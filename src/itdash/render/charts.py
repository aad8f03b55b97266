"""Levels over time as little pictures made of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.measure.timeline import TimeLine

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_PLAIN: Final = " .:-=+*#@"


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
    values = []
    for place in range(places):
        first = (start + span * place // places - line.start) // width
        last = (start + span * (place + 1) // places - 1 - line.start) // width
        seen = highest[max(0, first) : max(0, last + 1)]
        values.append(max(seen, default=0))
    return values


def bar(share: float, places: int, full: str, empty: str) -> tuple[str, str]:
    """The two parts of a bar: something that has begun shows, and only the whole is full."""
    filled = int(share * places)
    if share > 0 and not filled:
        filled = 1
    if share < 1 and filled == places:
        filled = places - 1
    return full * filled, empty * (places - filled)
