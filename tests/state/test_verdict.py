"""What may be said of a run when its process is gone."""

from __future__ import annotations

import pytest

from itdash.events import model
from itdash.state import fold, verdict
from itdash.state.verdict import judge

ROW = model.CollectedCase("t.py::test")


def run(
    *events: model.AnyEvent, outcome: str = "passed", last: int | None = 0, end: int | None = 0
) -> verdict.Judgement:
    """The word on a run of one test: its outcome, pytest's last word, and the end of the process."""
    category = {"skipped": "skipped"}.get(outcome, outcome)
    told: list[model.AnyEvent] = [
        model.ProcessStarted(0, 1, 4242, ()),
        model.SessionStarted(1, 1, 4242, "9.2.0", "/project"),
        model.CasesCollected(2, 0, (ROW,)),
        model.CaseStarted(3, 0),
        model.StageFinished(4, 0, "setup", "passed", 1),
        model.StageFinished(5, 0, "call", outcome, 1, category),
        model.StageFinished(6, 0, "teardown", "passed", 1),
        model.CaseFinished(7, 0),
        *events,
    ]
    if last is not None:
        told.append(model.SessionFinished(8, 1, last))
    signal = "SIGKILL" if end == -9 else ""
    told.append(model.ProcessEnded(9, 1, end, signal))
    return judge(fold.replay(told), 1)


def words(judgement: verdict.Judgement) -> tuple[str, int]:
    return judgement.verdict, judgement.exit_code


def test_all_three_agree_and_all_passed() -> None:
    assert words(run()) == ("passed", 0)


def test_a_failure_is_a_failure_whatever_the_codes_say() -> None:
    assert words(run(outcome="failed", last=1, end=1)) == ("failed", 1)
    assert words(run(outcome="failed", last=0, end=0)) == ("failed", 1)


@pytest.mark.parametrize(("last", "end", "code"), [(0, 9, 9), (0, 77, 77), (1, 0, 1), (0, 1, 1), (5, 0, 5)])
def test_the_code_of_the_process_wins_but_never_hides(last: int, end: int, code: int) -> None:
    word = run(last=last, end=end)
    assert words(word) == ("failed", code)
    assert str(last) in word.reason


def test_no_last_word_is_never_passed() -> None:
    assert words(run(last=None, end=0)) == ("crashed", 3)
    assert words(run(last=None, end=-9)) == ("crashed", 137)
    assert words(run(last=None, end=None)) == ("crashed", 3)
    assert words(run(last=0, end=-9)) == ("crashed", 137)


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143), (1, 129)])
def test_who_asked_to_stop_gets_the_shells_code(number: int, code: int) -> None:
    asked = model.StopRequested(7, "stopped", number)
    assert words(run(asked, last=2, end=2)) == ("interrupted", code)
    assert words(run(asked, last=None, end=-9)) == ("interrupted", code)


def test_pytests_own_codes_pass_through() -> None:
    assert words(run(last=2, end=2)) == ("interrupted", 2)
    assert words(run(last=4, end=4)) == ("error", 4)
    assert words(run(last=5, end=5)) == ("error", 5)
    assert words(run(last=6, end=6)) == ("failed", 6)
    broke = model.InternalErrorRaised(7, "why")
    assert words(run(broke, last=3, end=3)) == ("error", 3)


def test_a_test_that_crashed_makes_the_run_crashed() -> None:
    again: list[model.AnyEvent] = [
        model.CaseStarted(8, 0),
        model.CaseAborted(9, 0, "crashed", "SIGSEGV in call"),
    ]
    assert words(run(*again, last=0, end=0)) == ("crashed", 1)
    assert words(run(*again, last=None, end=-11)) == ("crashed", 1)


def test_an_earlier_process_that_crashed_is_not_forgotten() -> None:
    state = fold.replay([model.SessionFinished(8, 2, 0), model.ProcessEnded(9, 2, 0)])
    assert words(judge(state, 2, crashes=1)) == ("crashed", 1)
    assert words(judge(state, 2)) == ("passed", 0)
