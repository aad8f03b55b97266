"""What the run took and what its tests left behind, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.measures import Line, in_ascii, latencies, table
from itdash.render.text import one_line
from itdash.state import measured

if TYPE_CHECKING:
    from itdash.state.run import RunState

_LEAKS: Final = 20
_TEST: Final = 60
_WHAT: Final = 80
_TESTS_WORTH_A_TABLE: Final = 20


def lines(state: RunState, ascii_only: bool = False) -> list[Line]:
    """Everything that has content; the units in ASCII where that is all there is."""
    told = [*stages(state), *leaks(state), *tree(state)]
    return in_ascii(told) if ascii_only else told


def tree(state: RunState) -> list[Line]:
    """The most that the processes took at any look, in a line."""
    taken, peak = state.resources, state.resources.peak
    if peak is None:
        return []
    parts = [
        f"{words.size(peak.memory)} of memory at most", f"{format_ns(taken.cpu)} of CPU",
        words.count(peak.processes, "process", "processes"), words.count(peak.threads, "thread"),
        words.count(peak.descriptors, "descriptor"),
    ]  # fmt: skip
    return [Line("dim", f"resources: {', '.join(parts)}")]


def leaks(state: RunState, most: int = _LEAKS) -> list[Line]:
    """What tests left behind, a row for each test and kind."""
    found = list(state.resources.leaks.values())
    if not found:
        return []
    cells = []
    for event in found[:most]:
        more = f" and {event.count - 1:,} more" if event.count > 1 else ""
        what = one_line(event.names[0] if event.names else "", _WHAT) + more
        cells.append([one_line(state.ids.get(event.case, ""), _TEST), event.leak, what])
    rows = table("left behind", ["test", "kind", "what"], cells, ["skipped"] * len(cells), left=(0, 1, 2))
    beyond = len(found) - len(cells)
    if beyond:
        rows.append(Line("dim", f"  and {beyond:,} more, in summary.json"))
    if state.resources.leaks_beyond:
        rows.append(Line("dim", f"  and {state.resources.leaks_beyond:,} more, in the journal"))
    return rows


def stages(state: RunState) -> list[Line]:
    """How long setup, call and teardown took, where there are tests enough to speak of percentiles."""
    taken = measured.stages(state.cases.values())
    if taken["setup"].count < _TESTS_WORTH_A_TABLE:
        return []
    rows = [(name, histogram) for name, histogram in taken.items() if histogram.count]
    return latencies("stages of tests", "stage", rows)
