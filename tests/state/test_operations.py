"""Operations in the state: the same from any pieces, exact beside all raw samples, and bounded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operations_support import MS, RUNS, Run, events_of, peak_of, pieces, words_of

from itdash.events import model, ops
from itdash.render import measures
from itdash.state import fold, measured
from itdash.state import operations as room
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable


LAST = model.RunFinished(1 << 60, "passed", 0)


def folded(events: Iterable[model.AnyEvent]) -> RunState:
    return fold.replay([*events, LAST])


@settings(max_examples=60, deadline=None)
@given(runs=RUNS, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_any_pieces_make_the_same_as_all_raw_samples(runs: list[Run], cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "SLACK", 100 * MS)
        state = folded(events_of(runs, cuts))
    for name in {run.name for run in runs}:
        mine = [run for run in runs if run.name == name]
        tally = state.operations.operations[name].total
        assert tally.count == len(mine)
        assert tally.peak == peak_of(mine)
        assert tally.errors == sum(run.outcome == ops.ERROR for run in mine)
        assert tally.cancelled == sum(run.outcome == ops.CANCELLED for run in mine)
        assert tally.now == sum(not run.outcome for run in mine)
        took = sorted(run.took for run in mine if run.outcome)
        assert tally.latency.count == len(took)
        for q in (0.5, 0.9, 0.99):
            if took:
                exact = took[math.ceil(q * len(took)) - 1]
                assert abs((tally.latency.quantile(q) or 0) - exact) <= exact / 100
        assert tally.flight.late == 0
        for labels, part in state.operations.operations[name].sets.items():
            assert part.peak == peak_of(run for run in mine if run.labels == labels)
    whole = folded(events_of(runs))
    assert measured.plain(state.operations, {}) == measured.plain(whole.operations, {})


@settings(max_examples=30, deadline=None)
@given(runs=RUNS, cuts=st.lists(st.integers(0, 200), max_size=6), half=st.integers(0, 20))
def test_the_second_half_on_top_of_the_first_makes_the_same(
    runs: list[Run], cuts: list[int], half: int
) -> None:
    events = events_of(runs, cuts)
    state = RunState()
    fold.apply_all(state, events[:half])
    fold.apply_all(state, [*events[half:], LAST])
    again = folded(events)
    assert measured.plain(state.operations, {}) == measured.plain(again.operations, {})


def test_latency_by_concurrency_goes_by_those_in_flight_at_the_begin() -> None:
    runs = [Run("p", 100 + 10 * n, 10_000 - 10 * n) for n in range(6)]
    rows = folded(events_of(runs)).operations.operations["read"].total.by_concurrency.rows()
    assert [(label, histogram.count) for label, histogram in rows] == [("1", 1), ("2-4", 3), ("5-16", 2)]
    assert rows[0][1].max == 10_000


# -- tests --


def case_events(*spans: tuple[int, int, int], worker: str = "") -> list[model.AnyEvent]:
    """Tests that ran from here to there."""
    numbers = sorted({number for number, _, _ in spans})
    rows = tuple(model.CollectedCase(f"test_{number}") for number in numbers)
    events: list[model.AnyEvent] = [model.CasesCollected(0, numbers[0], rows)]
    for number, start, end in spans:
        events.append(model.CaseStarted(start, number, worker))
        events.append(model.StageFinished(end, number, "call", "passed", end - start, "passed"))
        events.append(model.CaseFinished(end, number))
    return events


def test_an_operation_belongs_to_the_test_in_which_it_began() -> None:
    runs = [Run("pytest-1", t, 150) for t in (50, 110, 190, 210, 320, 390)]
    runs += [Run("pytest-1.9", 120, 10), Run("pytest-1.9", 215, 10)]
    events = sorted(
        [*events_of(runs), *case_events((0, 100, 200), (1, 205, 300), (2, 350, 400))], key=lambda e: e.t
    )
    operation = folded(events).operations.operations["read"]
    assert {case: tally.count for case, tally in operation.cases.items()} == {0: 3, 1: 2, 2: 1}
    assert {case: tally.latency.count for case, tally in operation.cases.items()} == {0: 3, 1: 2, 2: 1}
    assert operation.total.count == 8


def test_tests_of_another_worker_have_no_part_in_it() -> None:
    words = words_of([Run("", 150, 10), Run("", 250, 10)], worker="gw1")
    events: list[model.AnyEvent] = [
        *case_events((0, 100, 300), worker="gw0"),
        *case_events((1, 200, 300), worker="gw1"),
        *pieces("pytest-1-gw1", words),
    ]
    operation = folded(sorted(events, key=lambda event: event.t)).operations.operations["read"]
    assert {case: tally.count for case, tally in operation.cases.items()} == {1: 1}


def test_figures_for_each_test_are_bounded_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CASES_KEPT", 3)
    spans = [(number, 100 * number + 1, 100 * number + 90) for number in range(5)]
    runs = [Run("pytest-1", 100 * number + 5, 1) for number in range(5)]
    state = folded(sorted([*events_of(runs), *case_events(*spans)], key=lambda event: event.t))
    assert len(state.operations.operations["read"].cases) == 3
    assert any("figures for each test" in line.text for line in measures.operations(state))


def test_names_of_several_processes_are_bounded_together_and_that_is_said() -> None:
    runs = [Run(f"pytest-1.{n % 2}", n + 1, 1, name=f"read {n}") for n in range(1_500)]
    state = folded(events_of(runs))
    operations = state.operations.operations
    assert (len(operations), operations["(more)"].total.count) == (1_001, 500)
    assert any("beyond 1,000 names" in line.text for line in measures.operations(state))


# -- processes that go --


def test_what_a_process_had_in_flight_when_it_went_is_in_flight_no_more() -> None:
    runs = [Run("pytest-1", t, 0, 0) for t in (10, 20)] + [Run("pytest-1.5", 30, 0, 0)]
    late = [Run("pytest-2", 500, 10)]
    ended: list[model.AnyEvent] = [model.ProcessEnded(100, 1, -9, "SIGKILL")]
    for events in ([*events_of(runs), *ended, *events_of(late)], [*ended, *events_of([*runs, *late])]):
        tally = folded(events).operations.operations["read"].total
        assert (tally.count, tally.unfinished, tally.now, tally.peak) == (4, 3, 0, 3)
        assert tally.latency.count == 1


def test_the_tenth_part_is_not_the_first() -> None:
    runs = [Run("pytest-10", 10, 0, 0)]
    events: list[model.AnyEvent] = [*events_of(runs), model.ProcessEnded(100, 1, -9)]
    assert folded(events).operations.operations["read"].total.now == 1


def test_what_a_killed_child_had_in_flight_ends_when_its_death_was_noticed() -> None:
    killed = [Run("pytest-1.5", 10, 0, 0, labels=(("kind", "a"),)), Run("pytest-1.5", 20, 5, labels=())]
    after = [Run("pytest-1.6", 300, 10)]
    lost: list[model.AnyEvent] = [model.ProbeLost(200, "pytest-1.5")]
    for events in ([*events_of(killed), *lost, *events_of(after)], [*lost, *events_of([*killed, *after])]):
        operations = fold.replay(events).operations
        assert operations.in_flight() == {}
        operations.run_finished()
        tally = operations.operations["read"].total
        assert (tally.count, tally.unfinished, tally.now, tally.peak) == (3, 1, 0, 2)
        tally = operations.operations["read"].sets[("kind", "a"),]
        assert (tally.count, tally.unfinished, tally.now) == (1, 1, 0)
    without = folded(events_of([*killed, *after])).operations
    assert list(without.in_flight()) == ["pytest-1.5"]


# -- what views read --


def budget(case: int, verdict: model.BudgetVerdict, value: float | None = 6) -> model.BudgetJudged:
    return model.BudgetJudged(5, case, "read", f"peak == {case}", verdict, "count", value, 20, None, "told")


def test_tables_only_for_what_has_content() -> None:
    assert measures.tables(RunState()) == []


def test_the_table_of_operations_is_aligned_and_honest() -> None:
    runs = [Run("pytest-1", 10 * n * MS, 5 * MS, name="read") for n in range(1, 31)]
    runs += [
        Run("pytest-1", 10 * MS, MS, ops.ERROR, "接続 \x1b[31m"),
        Run("pytest-1", 1, 2 * MS, name="once"),
    ]
    lines = measures.operations(folded(events_of(runs)))
    assert [line.text for line in lines] == [
        "operations",
        "  operation        n  errors    rate  peak     p50     p95  p99     max",
        "  read            30       0  102/s     1  5.00ms  5.00ms    -  5.00ms",
        "  once             1       0       -     1       -       -    -  2.00ms",
        "  接続 \\x1b[31m   1       1       -     1       -       -    -  1.00ms",
    ] or lines
    assert lines[-1].role == "failed"


def test_broken_budgets_stand_first_and_the_last_attempt_counts() -> None:
    events: list[model.AnyEvent] = [budget(1, "kept"), budget(2, "broken", 7.0), budget(3, "never ran", None)]
    events += [budget(4, "broken"), budget(4, "kept")]
    state = folded(events)
    lines = [line.text.split() for line in measures.budgets(state)]
    assert [(line[3], line[4], line[6]) for line in lines[2:]] == [
        ("2", "7", "broken"), ("3", "-", "never"), ("1", "6", "kept"), ("4", "6", "kept"),
    ]  # fmt: skip
    assert len(measures.budgets(state, most=1)) == 4
    assert len(measured.plain_budgets(state.operations, {1: "a::b"})) == 4
    assert measured.plain_budgets(state.operations, {1: "a::b"})[0]["case"] == "a::b"
