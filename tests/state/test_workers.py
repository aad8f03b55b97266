"""Workers that are lost, and what the verdict makes of it."""

from __future__ import annotations

import msgspec
import pytest

from itdash.events import model
from itdash.state import fold
from itdash.state.verdict import judge

BROKEN = model.CollectionFailed(5, "b.py", "failed", "error", msgspec.Raw(b"{}"))


def ended(code: int, *events: model.AnyEvent) -> list[model.AnyEvent]:
    return [*events, model.SessionFinished(8, 1, code), model.ProcessEnded(9, 1, code)]


def test_progress_of_one_worker_says_nothing_of_another() -> None:
    state = fold.replay(
        [
            model.CollectorStarted(1, "a.py", "gw0"),
            model.CollectorStarted(1, "a.py", "gw1"),
            model.CollectionProgressed(2, 3, "gw1"),
            model.CollectionFinished(3, 3),
        ]
    )
    assert list(state.collecting) == ["gw0"]
    fold.apply(state, model.WorkerLost(4, "gw0"))
    assert not state.collecting
    assert [file.node for file in state.cut_off] == ["a.py"]
    fold.apply(state, model.WorkerLost(5, "gw1"))
    assert len(state.cut_off) == 1


def test_files_that_took_all_workers_down_are_no_empty_run() -> None:
    assert judge(fold.replay(ended(5)), 1)[:2] == ("error", 5)
    assert judge(fold.replay(ended(5, BROKEN)), 1)[:2] == ("crashed", 3)


FAILED: list[model.AnyEvent] = [
    model.CasesCollected(1, 0, (model.CollectedCase("a"), model.CollectedCase("b"))),
    model.CaseStarted(2, 0),
    model.StageFinished(3, 0, "call", "failed", 1, "failed"),
    model.CaseFinished(4, 0),
]


@pytest.mark.parametrize(
    ("reason", "verdict"), [("stopping after 1 failures", "failed"), ("enough", "interrupted")]
)
def test_a_limit_of_failures_is_no_interruption(reason: str, verdict: str) -> None:
    cut: list[model.AnyEvent] = [model.CaseStarted(5, 1), model.CaseAborted(7, 1, "interrupted", reason)]
    stopped = model.SessionStopped(6, reason)
    assert judge(fold.replay(ended(2, *FAILED, stopped)), 1)[:2] == (verdict, 2)
    assert judge(fold.replay(ended(2, *FAILED, stopped, *cut)), 1)[:2] == (verdict, 2)
    assert judge(fold.replay(ended(0, *FAILED, stopped, *cut)), 1).exit_code != 0


def test_pytest_was_only_to_show_something() -> None:
    shown = model.ProcessStarted(0, 1, 1, ("--fixtures",))
    found = model.CasesCollected(1, 0, (model.CollectedCase("a"),))
    assert judge(fold.replay([shown, model.ProcessEnded(9, 1, 0)]), 1)[:2] == ("passed", 0)
    assert judge(fold.replay(ended(0, shown, found, model.CollectionFinished(2, 1))), 1)[:2] == ("passed", 0)
    assert judge(fold.replay([shown, model.ProcessEnded(9, 1, 1)]), 1).verdict == "crashed"
    ran = [shown, *FAILED, model.ProcessEnded(9, 1, 0)]
    assert judge(fold.replay(ran), 1).verdict == "crashed"


def test_a_stage_that_began_is_where_the_test_is() -> None:
    state = fold.replay([*FAILED[:2], model.StageStarted(3, 0, "call")])
    assert state.running[0].stage == "call"
    fold.apply(state, model.StageStarted(4, 1, "call"))
    assert list(state.running) == [0]
