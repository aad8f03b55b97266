"""The trace: what any reader of Chrome's format relies on, and the figures of the run."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from export_support import HOSTILE, recorded, recording_of, run_with
from hypothesis import given, settings

from itdash.views import trace

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from itdash.render.document.run import Recording

NEEDED = {
    "M": {"name", "pid", "tid", "args"}, "X": {"name", "pid", "tid", "ts", "dur"}, "i": {"name", "ts", "s"},
    "b": {"name", "cat", "id", "pid", "ts"}, "e": {"name", "cat", "id", "pid", "ts"},
    "C": {"name", "pid", "ts", "args"},
}  # fmt: skip


def events(recording: Recording) -> list[dict[str, Any]]:
    """The events of a trace that can be read."""
    loaded = json.loads(trace.document(recording))
    found: list[dict[str, Any]] = loaded["traceEvents"]
    for event in found:
        assert set(event) >= NEEDED[event["ph"]]
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 0) >= 0
    return found


def test_tests_stand_in_their_workers_and_do_not_overlap(journal: Path) -> None:
    recording = recorded(journal)
    lanes = defaultdict(list)
    for event in events(recording):
        if event.get("cat") == "test":
            lanes[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    assert len(lanes) == len(recording.lanes.lanes)
    for slices in lanes.values():
        assert all(one[1] <= other[0] + 0.001 for one, other in pairwise(sorted(slices)))
    assert sum(map(len, lanes.values())) == sum(len(lane.starts) for lane in recording.lanes.named)


def test_stages_stand_within_their_tests(journal: Path) -> None:
    found = events(recorded(journal))
    tests = [event for event in found if event.get("cat") == "test"]
    for stage in (event for event in found if event.get("cat") == "stage"):
        end = stage["ts"] + stage["dur"]
        assert any(
            test["tid"] == stage["tid"] and test["ts"] <= stage["ts"] + 0.001
            and end <= test["ts"] + test["dur"] + 0.001
            for test in tests
        )  # fmt: skip


def test_every_operation_begins_and_ends_once(journal: Path) -> None:
    recording = recorded(journal)
    found = [event for event in events(recording) if event["ph"] in "be"]
    begun = {event["id"]: event for event in found if event["ph"] == "b"}
    ended = {event["id"]: event for event in found if event["ph"] == "e"}
    assert begun.keys() == ended.keys()
    assert all(begun[id]["ts"] <= ended[id]["ts"] for id in begun)
    assert Counter(event["name"] for event in begun.values()) == {
        name: operation.total.count for name, operation in recording.state.operations.operations.items()
    }


def test_the_highest_counter_is_the_peak(journal: Path) -> None:
    recording = recorded(journal)
    highest: dict[str, int] = defaultdict(int)
    for event in events(recording):
        if event["ph"] == "C" and event["name"].startswith("in flight: "):
            name = event["name"].removeprefix("in flight: ")
            highest[name] = max(highest[name], event["args"]["now"])
    assert highest == {name: one.total.peak for name, one in recording.state.operations.operations.items()}


def test_of_many_operations_only_their_number_is_told(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recorded(journal)
    monkeypatch.setattr(trace, "OPERATIONS_MOST", 2)
    loaded = json.loads(trace.document(recording))
    many = recording.state.operations.records > 4
    assert ("left_out" in loaded["otherData"]) == many
    assert any(event["ph"] == "b" for event in loaded["traceEvents"]) == (
        not many and bool(recording.state.operations.records)
    )


@settings(max_examples=80, deadline=None)
@given(foreign=HOSTILE)
def test_any_text_makes_a_trace_that_can_be_read(foreign: str) -> None:
    found = events(recording_of(run_with(foreign)))
    kinds = Counter(event["ph"] for event in found)
    assert (kinds["i"], kinds["b"], kinds["e"]) == (1, 9, 9)
