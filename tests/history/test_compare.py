"""What is called a change, and what must not be."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from history_support import CLEAN, name, operation, run, test

from itdash.history.compare import Past, compare, past_of
from itdash.history.record import Budget, Owned
from itdash.history.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.history.record import Operation, Record
    from itdash.state.comparison import Comparison


def held(runs: Sequence[Record], base: Record | None = None) -> Comparison:
    """The newest of these runs against the one before, or against another, with all of them as history."""
    with Store.in_memory() as store:
        store.add(runs)
        return compare(base or runs[-2], runs[-1], past_of(store, base or runs[-2], runs[-1]))


def ids(changes: Sequence[Any]) -> list[str]:
    return [one.id for one in changes]


# -- outcomes --


def test_each_test_is_in_one_list() -> None:
    before = {
        "ok": "passed",
        "worse": "passed",
        "better": "failed",
        "bad": "error",
        "off": "passed",
        "old": "passed",
    }
    after = {"ok": "passed", "worse": "failed", "better": "passed", "bad": "failed", "off": "skipped",
             "new": "passed", "new_bad": "failed"}  # fmt: skip
    found = held([run(1, before), run(2, after)])
    assert ids(found.failing) == ["worse", "new_bad"]
    assert ids(found.fixed) == ["better"]
    assert ids(found.still) == ["bad"]
    assert ids(found.other) == ["off"]
    assert ids(found.new) == ["new"]
    assert ids(found.gone) == ["old"]
    assert found.in_both == 5
    assert found.regressions == ("2 newly failing tests",)


def test_the_same_twice_differs_in_nothing() -> None:
    found = held([run(1), run(2)])
    assert found.regressions == ()
    assert not any((found.failing, found.fixed, found.new, found.gone, found.operations, found.peaks))


def test_a_failure_is_told_since_when() -> None:
    found = held([run(1, {"a": "passed"}), run(2, {"a": "failed"}), run(3, {"a": "failed"})])
    assert found.still[0].why == f"fails since run {name(2)}, in 2 runs; last passed in {name(1)}"


def test_a_flaky_test_is_no_regression() -> None:
    words = ["passed", "failed", "passed", "passed", "failed"]
    found = held(
        [run(n, {"a": word, **dict.fromkeys("bcdefg", "passed")}, **CLEAN) for n, word in enumerate(words)]
    )
    assert ids(found.flaky) == ["a"]
    assert found.flaky[0].why.startswith("changed 3 times at the same commit")
    assert found.regressions == ()


def test_a_test_that_passed_on_retry_is_flaky() -> None:
    found = held([run(1, {"a": "passed"}), run(2, {"a": test("passed", 2)})])
    assert ids(found.flaky) == ["a"]
    assert found.flaky[0].why == "passed on retry in 1 of 2 runs"


@pytest.mark.parametrize("how", [{"asked": ("tests/one",)}, {"counts": {"deselected": 5}}])
def test_what_was_not_asked_for_is_not_gone(how: dict[str, Any]) -> None:
    requirements = {("s", "1"): "verified"}
    before = run(1, {"a": "passed", "b": "passed"}, requirements=requirements)
    after = run(2, {"a": "passed"}, requirements={("s", "1"): "untested"}, **how)
    found = held([before, after])
    assert (found.gone, found.left_out, found.lost) == ((), 1, ())
    assert held([before, run(2, {"a": "passed"}, requirements={("s", "1"): "untested"})]).regressions == (
        "1 lost requirement",
    )


# -- operations --


def sampled(
    chance: Random, factor: float = 1.0, n: int = 200, noise: float = 0.08, run: float = 0.02
) -> Operation:
    """Latencies of about a millisecond, with noise of their own and of their run."""
    middle = 1000 * factor * chance.lognormvariate(0, run)
    return operation([chance.lognormvariate(0, noise) * middle for _ in range(n)])


def runs_of(chance: Random, factors: Sequence[float], **more: Any) -> list[Record]:
    return [
        run(
            number,
            operations={f"op{i}": sampled(chance, factor if i == 0 else 1.0, **more) for i in range(5)},
        )
        for number, factor in enumerate(factors)
    ]


def judged(found: Comparison) -> dict[str, str]:
    return {one.name: one.judged for one in found.operations}


def test_what_is_slower_is_found_and_nothing_else() -> None:
    found = held(runs_of(Random(1), [1.0] * 20 + [1.3]))
    assert judged(found) == {"op0": "slower"}
    (shift,) = found.operations
    assert shift.runs == 20
    assert shift.p is not None
    assert shift.p < 1e-6
    assert shift.above is not None
    assert shift.above > 0.95
    assert shift.ratio == pytest.approx(1.3, rel=0.08)
    assert found.regressions == ("1 slower operation",)


def test_what_is_faster_is_no_regression() -> None:
    found = held(runs_of(Random(2), [1.3] * 20 + [1.0]))
    assert judged(found) == {"op0": "faster"}
    assert found.regressions == ()


def test_two_runs_alone_tell_a_big_shift_only() -> None:
    assert judged(held(runs_of(Random(3), [1.0, 1.5]))) == {"op0": "slower"}
    (shift,) = held(runs_of(Random(3), [1.0, 1.15])).operations
    assert shift.judged == "noise"
    assert "too few earlier runs" in shift.why


def test_a_shift_that_earlier_runs_have_too_is_noise() -> None:
    chance = Random(4)
    found = held(runs_of(chance, [chance.lognormvariate(0, 0.25) for _ in range(20)] + [1.3]))
    assert judged(found)["op0"] == "noise"
    assert "earlier runs differ" in found.operations[0].why


def test_one_earlier_run_on_a_busy_machine_hides_nothing() -> None:
    factors = [1.0] * 20
    factors[18] = 2.0
    assert judged(held(runs_of(Random(5), [*factors, 1.3]))) == {"op0": "slower"}
    factors[19] = 2.0
    factors[18] = 1.0
    assert judged(held(runs_of(Random(5), [*factors, 1.3]))) == {"op0": "slower"}


def test_a_busy_machine_is_told_as_such() -> None:
    """All operations take longer, as all did once before."""
    chance = Random(6)

    def every(number: int, factor: float) -> Record:
        return run(number, operations={f"op{i}": sampled(chance, factor) for i in range(5)})

    runs = [every(n, 1.4 if n == 7 else 1.0) for n in range(20)]
    found = held([*runs, every(20, 1.35)])
    assert set(judged(found).values()) == {"noise"}
    assert found.regressions == ()
    assert any("looks like the machine" in note for note in found.notes)


def test_a_machine_that_was_busy_for_a_part_is_noise() -> None:
    """The fast end of the samples is where it was."""
    chance = Random(7)
    runs = runs_of(chance, [1.0] * 20)
    latencies = [chance.lognormvariate(0, 0.08) * (1000 if n % 3 == 0 else 1500) for n in range(200)]
    found = held([*runs, run(20, operations={"op0": operation(latencies)})])
    assert judged(found)["op0"] == "noise"


def test_most_of_the_samples_many_times_slower_is_no_noise() -> None:
    chance = Random(8)
    runs = runs_of(chance, [1.0] * 20)
    latencies = [chance.lognormvariate(0, 0.08) * (1000 if n % 6 == 0 else 4000) for n in range(200)]
    found = held([*runs, run(20, operations={"op0": operation(latencies)})])
    assert judged(found)["op0"] == "slower"


def test_too_few_samples_are_told() -> None:
    few = {"op": operation([1, 2, 3])}
    (shift,) = held([run(1, operations=few), run(2, operations=few)]).operations
    assert (shift.judged, shift.why) == ("too few", "3 samples, 10 are needed")


def test_another_machine_is_not_compared() -> None:
    runs = runs_of(Random(9), [1.0] * 10)
    other = run(11, machine="other", operations={"op0": sampled(Random(1), 3.0)})
    found = held([*runs, other])
    assert found.operations == ()
    assert "durations are not compared: machine m and other" in found.notes


def test_identical_code_is_seldom_called_slower() -> None:
    """Noise of the samples and of the runs, and a machine that is busy in one run of twenty."""
    chance = Random(10)
    wrong = 0
    factors = [1.4 if chance.random() < 0.05 else 1.0 for _ in range(60)]
    runs = [
        run(n, operations={f"op{i}": sampled(chance, factor, n=60, noise=0.2, run=0.04) for i in range(5)})
        for n, factor in enumerate(factors)
    ]  # fmt: skip
    for place in range(20, 60):
        wrong += bool(held(runs[place - 20 : place + 1]).regressions)
    assert wrong <= 1


def test_several_runs_of_the_same_commit_count_together() -> None:
    """One of them was slow: that is the machine."""
    chance = Random(11)
    before = [run(n, commit="b" * 40, clean=True, operations={"op": sampled(chance)}) for n in range(10)]
    quick = run(10, **CLEAN, operations={"op": sampled(chance)})
    slow = run(11, **CLEAN, operations={"op": sampled(chance, 1.5)})
    assert judged(held([*before, quick, slow], before[-1])) == {"op": "noise"}
    again = run(10, **CLEAN, operations={"op": sampled(chance, 1.5)})
    assert judged(held([*before, again, slow], before[-1])) == {"op": "slower"}


def test_operations_of_other_tests_are_not_compared() -> None:
    runs = runs_of(Random(14), [1.0] * 10)
    other = run(11, asked=("tests/one",), operations={"op0": sampled(Random(1), 3.0)})
    found = held([*runs, other])
    assert (found.operations, found.errors, found.peaks, found.regressions) == ((), (), (), ())
    assert "operations are not compared: other tests use them otherwise" in found.notes


def test_a_run_of_another_place_is_judged_by_itself() -> None:
    """It has the commit of runs that the history knows, and is not one of them."""
    chance = Random(15)
    runs = [run(n, **CLEAN, operations={"op": sampled(chance)}) for n in range(10)]
    with Store.in_memory() as store:
        store.add(runs)
        foreign = run(99, **CLEAN, operations={"op": sampled(chance, 1.5)})
        past = past_of(store, runs[-2], foreign)
        assert past.later == []
        assert judged(compare(runs[-2], foreign, past)) == {"op": "slower"}


# -- durations of tests --


def timed(number: int, seconds: float, **more: Any) -> Record:
    return run(number, {"a": test(duration=int(seconds * 1e9))}, **more)


def test_one_duration_is_no_distribution() -> None:
    chance = Random(12)
    runs = [timed(n, chance.gauss(1, 0.05)) for n in range(20)]
    found = held([*runs, timed(20, 1.4)])
    assert found.tests == ()
    assert found.not_enough == 1
    assert found.regressions == ()


def test_one_duration_far_off_is_told_and_is_no_regression() -> None:
    found = held([*(timed(n, 1 + n / 100) for n in range(20)), timed(20, 5)])
    (shift,) = found.tests
    assert (shift.judged, shift.n_after) == ("unusual", 1)
    assert found.regressions == ()


def test_several_runs_of_a_commit_tell_of_a_slower_test() -> None:
    chance = Random(13)
    before = [timed(n, chance.gauss(1, 0.05), commit="b" * 40, clean=True) for n in range(20)]
    after = [timed(20 + n, chance.gauss(1.4, 0.05), **CLEAN) for n in range(4)]
    found = held([*before, *after], before[-1])
    assert [(one.name, one.judged) for one in found.tests] == [("a", "slower")]
    assert found.regressions == ("1 slower test",)
    same = [timed(20 + n, chance.gauss(1, 0.05), **CLEAN) for n in range(4)]
    assert held([*before, *same], before[-1]).tests == ()


# -- errors, peaks, budgets, requirements --


@pytest.mark.parametrize(
    ("before", "after", "worse"), [((0, 500), (30, 500), True), ((30, 500), (0, 500), False)]
)
def test_errors_that_are_really_more(before: tuple[int, int], after: tuple[int, int], worse: bool) -> None:
    one = {"op": operation([1.0] * before[1], errors=before[0])}
    other = {"op": operation([1.0] * after[1], errors=after[0])}
    (found,) = held([run(1, operations=one), run(2, operations=other)]).errors
    assert (found.before, found.after, found.worse) == (before[0], after[0], worse)


def test_errors_by_chance_are_none() -> None:
    one, other = {"op": operation([1.0] * 100, errors=1)}, {"op": operation([1.0] * 100, errors=3)}
    assert held([run(1, operations=one), run(2, operations=other)]).errors == ()


def test_a_peak_beyond_all_earlier_ones() -> None:
    runs = [run(n, operations={"op": operation([1], peak=peak)}) for n, peak in enumerate((4, 5, 3, 5))]
    assert held([*runs, run(9, operations={"op": operation([1], peak=4)})]).peaks == ()
    (peak,) = held([*runs, run(9, operations={"op": operation([1], peak=9)})]).peaks
    assert (peak.before, peak.after, peak.low, peak.high, peak.runs) == (5, 9, 3, 5, 4)


def test_budgets_that_break_and_margins_that_shrink() -> None:
    def with_budgets(number: int, *told: tuple[str, float | None]) -> Record:
        keys = [Owned("t.py::a", f"op{n}", "p95 < 1ms") for n in range(len(told))]
        return run(number, budgets={key: Budget(*one) for key, one in zip(keys, told, strict=True)})

    found = held([
        with_budgets(1, ("kept", 0.5), ("kept", 0.8), ("kept", 0.5)),
        with_budgets(2, ("kept", 0.55), ("broken", 1.1), ("kept", 0.9)),
    ])  # fmt: skip
    assert [(one.operation, one.after) for one in found.budgets] == [("op1", "broken"), ("op2", "kept")]
    assert found.regressions == ("1 newly broken budget",)


def test_requirements_gained_and_lost() -> None:
    before = {("s", "1"): "verified", ("s", "2"): "failing", ("s", "3"): "verified"}
    after = {("s", "1"): "failing", ("s", "2"): "verified", ("s", "3"): "verified", ("s", "4"): "verified"}
    found = held([run(1, requirements=before), run(2, requirements=after)])
    assert [(one.id, one.before, one.after) for one in found.lost] == [("1", "verified", "failing")]
    assert ids(found.gained) == ["2", "4"]


def test_a_run_that_the_history_does_not_know(tmp_path: Path) -> None:
    """A file of another machine: what is in both is compared, and what is usual is not known."""
    base = run(5, {"a": "passed"}, machine="", command=(), operations={"op": sampled(Random(1))})
    after = run(9, {"a": "failed"}, operations={"op": sampled(Random(2), 2.0)})
    with Store.open(tmp_path / "history.db") as store:
        found = compare(base, after, past_of(store, base, after))
    assert found.regressions == ("1 newly failing test", "1 slower operation")
    assert compare(base, after, Past()).regressions == found.regressions


def test_a_run_against_itself() -> None:
    one = run(1)
    found = held([one, one], one)
    assert "both are the same run" in found.notes
    assert found.regressions == ()
