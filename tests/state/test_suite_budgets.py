"""Budgets of whole suites, judged from a recording alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from operations_support import MS, RUNS, Run, events_of, peak_of

from itdash.errors import ConfigError
from itdash.events import model
from itdash.measure.latency import Histogram
from itdash.state import fold, gate

if TYPE_CHECKING:
    from itdash.state.run import RunState

    Budgets = dict[str, tuple[str, ...]]


def started(budgets: Budgets) -> list[model.AnyEvent]:
    """A run of two suites, each with a test that lasts for ever; the first suite has the budgets."""
    suites = (
        model.SuiteSpec("a", "", ("a",), budgets),
        model.SuiteSpec("b", "", ("b",), {"read": ("count == 0",)}),
    )
    return [
        model.RunStarted(0, 1, "run", 0.0, "/p", "/p", (), "0", "3", "linux", suites),
        model.SessionStarted(0, 1, 1, "9", "/p"),
        model.CasesCollected(
            0, 0, (model.CollectedCase("a/test_a.py::test_a"), model.CollectedCase("b/test_b.py::test_b"))
        ),
        model.CaseStarted(0, 0),
    ]  # fmt: skip


def judged(runs: list[Run], budgets: Budgets) -> RunState:
    end: list[model.AnyEvent] = [
        model.StageFinished(1 << 59, 0, "call", "passed", 1, "passed"), model.CaseFinished(1 << 59, 0),
    ]  # fmt: skip
    return fold.replay([*started(budgets), *events_of(runs), *end])


@settings(deadline=None)
@given(RUNS)
def test_they_are_judged_over_all_operations_of_the_suite_also_before_all_is_settled(runs: list[Run]) -> None:
    runs = [run._replace(source="pytest-1", name="read", labels=()) for run in runs]
    state = judged(runs, {"read": ("peak <= 3", "max < 100ms", "count >= 0")})
    verdicts = {one.verdict.budget: one.verdict for one in gate.suite_verdicts(state)}
    ended = Histogram()
    ended.record_many(run.took for run in runs if run.outcome)
    if not runs:
        assert verdicts["peak <= 3"].outcome == "never ran"
        return
    assert verdicts["peak <= 3"].measured == peak_of(runs)
    assert verdicts["count >= 0"].measured == len(runs)
    assert verdicts["max < 100ms"].measured == ended.max


def test_a_suite_of_which_nothing_ran_is_not_judged() -> None:
    state = judged([Run("pytest-1", 5, MS)], {"read": ("count == 1",)})
    assert [(one.suite, one.verdict.outcome) for one in gate.suite_verdicts(state)] == [("a", "kept")]


def why(budgets: Budgets, narrowed: bool = False) -> str:
    runs = [Run("pytest-1", 10 + n, MS * (n + 1)) for n in range(4)]
    runs += [Run("pytest-1", 900 * MS + n, 40 * MS, name="cold") for n in range(4)]
    return gate.with_budgets(lambda _: "", narrowed)(judged(runs, budgets))


def test_a_broken_one_is_named_with_limit_measured_value_and_n() -> None:
    told = why({"read": ("peak <= 3", "max < 3ms", "p50 < 1s")})
    assert told == (
        "budget of suite a: read: peak <= 3 broken: measured 4 (n=4); "
        "budget of suite a: read: max < 3ms broken: measured 4.00ms (n=4)"
    )


def test_too_few_samples_do_not_fail() -> None:
    assert why({"read": ("p99 < 1ns",)}) == ""


def test_what_never_ran_fails_unless_only_some_tests_were_asked_for() -> None:
    budgets: Budgets = {"write": ("errors == 0",)}
    assert why(budgets) == "budget of suite a: write: errors == 0 not judged: write never ran"
    assert why(budgets, narrowed=True) == ""


def test_one_operation_can_be_held_against_another() -> None:
    assert why({"read": ("max <= p50(cold) / 10", "p50 < p50(cold) * 2")}) == ""
    assert "limit 2.00ms (n=4, cold n=4)" in why({"read": ("max <= p50(cold) / 20",)})


def test_both_gates_are_told() -> None:
    asked = gate.with_budgets(lambda _: "1 of 2 verified", narrowed=False)
    state = judged([Run("pytest-1", 5, MS)], {"read": ("count == 2",)})
    assert asked(state) == "1 of 2 verified; budget of suite a: read: count == 2 broken: measured 1 (n=1)"


def test_what_is_no_budget_is_a_mistake_with_the_place_underlined() -> None:
    gate.check_budgets({"a": {"read": ("p95 < 1s",)}}, "here")
    with pytest.raises(ConfigError) as mistake:
        gate.check_budgets({"a": {"read": ("p95 < 1s", "p95 < 100")}}, "/p/pyproject.toml")
    assert mistake.value.lines() == [
        "itdash: suite 'a' has a wrong budget of 'read'\n"
        "not a budget: expected a unit of time, as p95 is a time: ns us ms s min\n"
        "  p95 < 100\n           ^",
        "  where: /p/pyproject.toml",
    ]


def test_a_recording_with_a_text_that_is_no_budget_is_read_all_the_same() -> None:
    assert gate.suite_verdicts(judged([], {"read": ("nonsense",)})) == []
