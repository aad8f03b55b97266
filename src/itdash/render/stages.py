"""How long setup, call and teardown of the tests took, where nothing else was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.spans import pad, push
from itdash.state.measured import percentiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.measure.latency import Histogram
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans

_NAME, _CELL = 10, 8
_HINT: Final = (
    "operations of yours come here with:  from itdash import probe",
    '  with probe.operation("name"): ...',
)


def lines(stages: Mapping[str, Histogram], paint: Paint) -> list[Spans]:
    """A line for each stage, and how to get more."""
    if not any(histogram.count for histogram in stages.values()):
        return []
    head: Spans = [("dim", pad("stage", _NAME))]
    head += [("dim", push(name, _CELL)) for name in ("n", "p50", "p95", "p99", "max")]
    drawn = [head]
    for name, histogram in stages.items():
        carried = percentiles(histogram)
        times = (carried["p50"], carried["p95"], carried["p99"], histogram.max)
        spans: Spans = [("plain", pad(name, _NAME)), ("plain", push(f"{histogram.count:,}", _CELL))]
        for value in times:
            text = "-" if value is None else format_ns(value)
            spans.append(
                (
                    "dim" if value is None else "plain",
                    push(words.spelled(text, paint.ascii), _CELL),
                )
            )
        drawn.append(spans)
    return [*drawn, [("plain", "")], *([("dim", hint)] for hint in _HINT)]
