"""Latencies that are known otherwise belong to the test that told them."""

from __future__ import annotations

from array import array

from itdash.events import model
from itdash.events.ops import LATENCY, head, part, text_words
from itdash.events.opsfiles import spans
from itdash.state import fold

MS = 1_000_000


def test_a_latency_longer_than_its_test_belongs_to_it_nevertheless() -> None:
    rows = tuple(model.CollectedCase(f"t.py::test_{n}") for n in range(4))
    events: list[model.AnyEvent] = [model.CasesCollected(0, 0, rows)]
    words = text_words(0, 0, {"worker": ""}) + text_words(1, 0, ["slow", {}])
    for n in range(4):
        start = (n + 1) * 30 * MS
        events += [model.CaseStarted(start, n), model.CaseFinished(start + 20 * MS, n)]
        for k in range(n + 1):
            words += array("Q", [head(LATENCY, 1, start + (k + 1) * MS), part(75 * MS)])
    for first, last, t in spans(words, 0):
        events.append(model.OperationsHappened(t, "pytest-1", first, words[first:last].tobytes()))
    events.sort(key=lambda event: event.t)
    state = fold.replay([*events, model.RunFinished(200 * MS, "passed", 0)])
    found = {state.ids[n]: tally.count for n, tally in state.operations.operations["slow"].cases.items()}
    assert found == {"t.py::test_0": 1, "t.py::test_1": 2, "t.py::test_2": 3, "t.py::test_3": 4}
