"""The last line of a replay: where it stands, how fast it goes, and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render.header import clock
from itdash.render.spans import width as wide

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans

_LEAST: Final = 8


def line(
    at: int,
    length: int,
    speed: float,
    playing: bool,
    keys: Iterable[tuple[str, str]],
    width: int,
    paint: Paint,
) -> Spans:
    """The line in so many columns: the keys give way to the bar."""
    state = ("running", f" {paint.glyph('play')} ") if playing else ("near", f" {paint.glyph('paused')} ")
    left: Spans = [state, ("strong", f"{speed:g}x"), ("plain", f"  {clock(at)} ")]
    right: Spans = [("plain", f" {clock(length)} ")]
    told: Spans = []
    for label, word in keys:
        more: Spans = [("key", f" {label}"), ("dim", f" {word} ")]
        if wide([*left, *right, *told, *more]) + _LEAST * 2 > width:
            break
        told += more
    places = max(0, width - wide([*left, *right, *told]))
    done = min(places, round(places * at / length)) if length else places
    bar: Spans = [("title", paint.glyph("rule") * done), ("frame", paint.glyph("rule") * (places - done))]
    if places and done < places:
        bar = [
            ("title", paint.glyph("rule") * done), ("strong", paint.glyph("running")),
            ("frame", paint.glyph("rule") * (places - done - 1)),
        ]  # fmt: skip
    return [*left, *bar, *right, *told]
