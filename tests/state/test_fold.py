"""The state that events make, on recorded runs and on events in any order that can happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from itdash.events import model, wire
from itdash.events.journal import replay as read
from itdash.state import fold, queries
from itdash.state.run import RunState
from itdash.views.json_report import report
from itdash.views.summary import summary

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion


def picture(state: RunState) -> object:
    """Everything that can be told of a state, to compare two of them."""
    return msgspec.json.decode(wire.encode_value([summary(state, 0, 0), report(state)]))


def test_summary_of_a_recorded_run(journal: Path, snapshot: SnapshotAssertion) -> None:
    events, unread = read(journal)
    assert unread == 0
    assert summary(fold.replay(events), 0, 0) == snapshot


def test_report_of_a_recorded_run_is_in_pytest_json_reports_format(
    journal: Path, snapshot: SnapshotAssertion
) -> None:
    told = msgspec.json.decode(wire.encode_value(report(fold.replay(read(journal)[0]))))
    assert told == snapshot


def test_folding_in_two_halves_is_folding_at_once(journal: Path) -> None:
    events, _ = read(journal)
    whole = picture(fold.replay(events))
    for cut in range(len(events)):
        state = fold.replay(events[:cut])
        fold.apply_all(state, events[cut:])
        assert picture(state) == whole


def test_every_beginning_of_a_run_can_be_shown(journal: Path) -> None:
    events, _ = read(journal)
    state = RunState()
    for event in events:
        fold.apply(state, event)
        counts = queries.outcomes(state)
        ended = sum(suite.ended for suite in state.suites.values())
        assert ended == state.finished_cases
        assert sum(suite.total for suite in state.suites.values()) == len(state.cases)
        assert sum(suite.failing for suite in state.suites.values()) == len(state.failing)
        assert all(number >= 0 for number in counts.values())
        picture(state)


def test_every_test_has_an_end_when_the_run_has(journal: Path) -> None:
    state = fold.replay(read(journal)[0])
    assert state.finished
    assert not state.running
    assert all(case.outcome for case in state.cases.values())


def test_a_run_that_lost_any_line_can_be_shown(journal: Path) -> None:
    events, _ = read(journal)
    for lost in range(len(events)):
        picture(fold.replay(events[:lost] + events[lost + 1 :]))


@given(st.data())
def test_segments_may_arrive_in_any_order_between_processes(data: st.DataObject) -> None:
    """Each process's own lines are in order; how they interleave changes nothing in the end."""
    collected = model.CasesCollected(1, 0, tuple(model.CollectedCase(f"t.py::t{n}") for n in range(4)))
    workers = [_of_worker(worker, cases) for worker, cases in (("gw0", (0, 2)), ("gw1", (1, 3)))]
    end = model.RunFinished(100, "failed", 1)
    expected = picture(fold.replay([collected, *workers[0], *workers[1], end]))
    mixed: list[model.AnyEvent] = [collected]
    queues = [list(worker) for worker in workers]
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        mixed.append(queue.pop(0))
    mixed.append(end)
    assert picture(fold.replay(mixed)) == expected


def _of_worker(worker: str, cases: tuple[int, ...]) -> list[model.AnyEvent]:
    events: list[model.AnyEvent] = []
    for case in cases:
        t = 10 + case * 10
        outcome = "failed" if case == 3 else "passed"
        events += [
            model.CaseStarted(t, case, worker),
            model.StageFinished(t + 1, case, "setup", "passed", 5),
            model.StageFinished(t + 2, case, "call", outcome, 5, outcome),
            model.StageFinished(t + 3, case, "teardown", "passed", 5),
            model.CaseFinished(t + 4, case),
        ]
    return events


def start(*more: model.AnyEvent) -> RunState:
    row = model.CollectedCase("t.py::test")
    return fold.replay([model.CasesCollected(0, 0, (row,)), model.CaseStarted(1, 0), *more])


def test_reports_after_a_test_was_closed_are_echoes() -> None:
    state = start(
        model.CaseAborted(5, 0, "timed out", "no end after 1 s, in call"),
        model.StageFinished(6, 0, "call", "passed", 5, "passed"),
        model.StageFinished(7, 0, "teardown", "passed", 5),
        model.CaseFinished(8, 0),
    )
    assert state.cases["t.py::test"].outcome == "timed out"
    assert queries.outcomes(state)["passed"] == 0


def test_the_stacks_of_a_closed_test_may_come_later() -> None:
    state = start(
        model.CaseAborted(5, 0, "timed out", "why"), model.CaseAborted(6, 0, "timed out", "why", "the stacks")
    )
    assert state.cases["t.py::test"].stacks == "the stacks"
    assert queries.outcomes(state)["timed_out"] == 1


def test_a_pass_after_a_failure_is_flaky_and_not_failing() -> None:
    state = start(
        model.StageFinished(2, 0, "setup", "passed", 1),
        model.StageFinished(3, 0, "call", "rerun", 1, "rerun"),
        model.StageFinished(4, 0, "teardown", "passed", 1),
        model.StageFinished(5, 0, "setup", "passed", 1),
        model.StageFinished(6, 0, "call", "passed", 1, "passed"),
        model.StageFinished(7, 0, "teardown", "passed", 1),
        model.CaseFinished(8, 0),
    )
    case = state.cases["t.py::test"]
    assert (case.outcome, case.attempts, case.flaky, case.failing) == ("passed", 2, True, False)
    assert queries.outcomes(state)["rerun"] == 1


def test_a_test_that_pytest_reported_nothing_about_is_not_passed() -> None:
    state = start(model.CaseFinished(2, 0))
    assert state.cases["t.py::test"].outcome == "not run"


def test_call_failure_and_teardown_error_are_counted_twice_and_one_test() -> None:
    state = start(
        model.StageFinished(2, 0, "setup", "passed", 1),
        model.StageFinished(3, 0, "call", "failed", 1, "failed"),
        model.StageFinished(4, 0, "teardown", "failed", 1, "error"),
        model.CaseFinished(5, 0),
    )
    counts = queries.outcomes(state)
    assert (counts["failed"], counts["errors"], len(state.failing)) == (1, 1, 1)
    assert state.cases["t.py::test"].outcome == "failed"


def test_a_second_item_of_the_same_id_is_no_second_attempt() -> None:
    def item(t: int, outcome: str) -> list[model.AnyEvent]:
        return [
            model.CaseStarted(t, 0),
            model.StageFinished(t + 1, 0, "call", outcome, 1, outcome),
            model.CaseFinished(t + 2, 0),
        ]

    row = model.CollectedCase("t.py::test")
    first: list[model.AnyEvent] = [model.CasesCollected(0, 0, (row,))]
    for outcomes in (("passed", "failed", "passed"), ("failed", "passed", "passed")):
        events = [event for n, outcome in enumerate(outcomes) for event in item(10 * n + 1, outcome)]
        state = fold.replay([*first, *events])
        case = state.cases["t.py::test"]
        assert (case.outcome, case.attempts, case.flaky) == ("failed", 1, False)
        assert list(state.failing) == ["t.py::test"]
        assert queries.outcomes(state)["passed"] == 2


def test_subtests_of_an_attempt_that_is_tried_again_are_not_counted() -> None:
    state = start(
        model.SubtestFinished(2, 0, "[n=1]", "failed", 1, "failed"),
        model.StageFinished(3, 0, "setup", "passed", 1),
        model.StageFinished(4, 0, "call", "rerun", 1, "rerun"),
        model.StageFinished(5, 0, "teardown", "passed", 1),
        model.SubtestFinished(6, 0, "[n=1]", "passed", 1, "subtests passed"),
        model.StageFinished(7, 0, "setup", "passed", 1),
        model.StageFinished(8, 0, "call", "passed", 1, "passed"),
        model.StageFinished(9, 0, "teardown", "passed", 1),
        model.CaseFinished(10, 0),
    )
    counts = queries.outcomes(state)
    assert (counts["failed"], counts["passed"], counts["subtests_passed"], counts["rerun"]) == (0, 1, 1, 1)
    assert state.cases["t.py::test"].flaky


def test_each_attempt_may_begin_and_end_like_a_test_of_its_own() -> None:
    state = start(
        model.StageFinished(2, 0, "setup", "passed", 1),
        model.StageFinished(3, 0, "call", "rerun", 1, "rerun"),
        model.StageFinished(4, 0, "teardown", "passed", 1),
        model.CaseFinished(5, 0),
        model.CaseStarted(6, 0),
        model.StageFinished(7, 0, "setup", "passed", 1),
        model.StageFinished(8, 0, "call", "passed", 1, "passed"),
        model.StageFinished(9, 0, "teardown", "passed", 1),
        model.CaseFinished(10, 0),
    )
    case = state.cases["t.py::test"]
    assert (case.outcome, case.attempts, case.flaky) == ("passed", 2, True)
