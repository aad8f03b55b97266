"""The most of each operation that were in flight at once among those that began in one test."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from itdash.events.model import OperationsHappened
from itdash.events.ops import BEGUN, Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.events.model import AnyEvent
    from itdash.state.lanes import Lanes

MOST: Final = 400_000
"""Of a run with more begins and ends these peaks are not worked out."""

Peaks = dict[tuple[int, str], int]
_Edges = dict[tuple[int, str], list[tuple[int, int]]]


def peaks(events: Iterable[AnyEvent], lanes: Lanes, records: int) -> Peaks:
    """The peaks by the number of the test and the name of the operation."""
    if not 0 < records <= MOST:
        return {}
    edges: _Edges = {}
    decoders: dict[str, Decoder] = {}
    for event in events:
        if isinstance(event, OperationsHappened):
            _collect(decoders.setdefault(event.source, Decoder()), event, lanes, edges)
    return {key: _peak(found) for key, found in edges.items()}


def _collect(decoder: Decoder, event: OperationsHappened, lanes: Lanes, edges: _Edges) -> None:
    read = decoder.feed(event.slot, event.words)
    lane = lanes.lanes.get(str(decoder.source.get("worker", "")))
    if lane is None:
        return
    starts, ends, numbers, names = lane.starts, lane.ends, lane.numbers, decoder.names
    for number, t, duration, outcome in read:
        if duration == BEGUN:
            began, change = t, 1
        elif outcome:
            began, change = t - duration, -1
        else:
            continue  # a latency that was measured elsewhere
        place = bisect_right(starts, began) - 1
        if place >= 0 and began <= ends[place]:
            name = names[number][0] if number in names else "(its name was lost)"
            edges.setdefault((numbers[place], name), []).append((t, change))


def _peak(edges: list[tuple[int, int]]) -> int:
    """At one moment ends come first: two operations that touch do not overlap."""
    level = most = 0
    for _, change in sorted(edges):
        level += change
        most = max(most, level)
    return most
