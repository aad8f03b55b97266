"""Flaky or failing: what the history says, and what it must not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from history_support import CLEAN, head, name, test

from itdash.history.flaky import Flaky, flaky, since, told
from itdash.history.store import Seen

if TYPE_CHECKING:
    from itdash.history.record import Head


def judged(outcomes: str, heads: list[Head] | None = None) -> Flaky | None:
    """The word on a test with these outcomes, the oldest first: passed, Failed, passed on Retry."""
    runs = heads or [head(n, **CLEAN) for n in reversed(range(len(outcomes)))]
    word = {".": "passed", "r": "passed", "F": "failed", "s": "skipped"}
    seen = [Seen(n, word[sign], 1 + (sign == "r"), 1) for n, sign in enumerate(reversed(outcomes))]
    return flaky(runs, {"a": seen}).get("a")


@pytest.mark.parametrize("outcomes", ["", ".", "F", "......", "FFFFF", "...FFF", "FFF...", "s.s.s", ".sF"])
def test_what_is_no_chance(outcomes: str) -> None:
    assert judged(outcomes) is None


def test_passing_on_retry_is_chance() -> None:
    found = judged("...r..r")
    assert found is not None
    assert found.certain
    assert found.evidence == "passed on retry in 2 of 7 runs"
    assert found.outcomes == "...r..r"


def test_changes_at_one_clean_commit_are_chance() -> None:
    found = judged("..F..")
    assert found is not None
    assert found.certain
    assert found.evidence == f"changed 2 times at the same commit ({'a' * 12})"


def test_work_on_changed_files_is_no_chance() -> None:
    """Red and green while one writes: the commit is the same, the files are not."""
    heads = [head(n, commit="a" * 40, clean=False) for n in reversed(range(4))]
    assert judged("FF.F", heads) is None
    heads = [head(n, commit="a" * 40, clean=False) for n in reversed(range(9))]
    found = judged("F.F.F.F..", heads)
    assert found is not None
    assert not found.certain
    assert found.evidence == "changed 7 times in 9 runs, of code that may have changed too"


def test_a_change_between_commits_is_no_chance() -> None:
    heads = [head(n, commit=str(n // 2) * 40, clean=True) for n in reversed(range(6))]
    assert judged("..FF..", heads) is None


def test_an_outage_says_nothing_of_one_test() -> None:
    heads = [head(n, **CLEAN) for n in reversed(range(5))]
    down = {f"t{i}": [Seen(n, "failed" if n == 2 else "passed", 1, 1) for n in range(5)] for i in range(10)}
    tallies = [{"failed": 10} if n == 2 else {"passed": 10} for n in range(5)]
    assert flaky(heads, down, tallies) == {}
    assert len(flaky(heads, down)) == 10
    alone = {"t0": [Seen(n, "failed" if n == 1 else "passed", 1, 1) for n in range(5)]}
    assert list(flaky(heads, alone, tallies)) == ["t0"]
    assert flaky(heads, alone, [{"passed": 9, "skipped": 20}, {"failed": 3, "passed": 1}]) == {}
    assert list(flaky(heads, alone, [{}, {"failed": 2, "passed": 1}])) == ["t0"]


def test_the_certain_ones_come_first_then_those_with_more_evidence() -> None:
    heads = [head(n) for n in reversed(range(9))]
    outcomes = {
        "unsure": [Seen(n, "failed" if n % 2 else "passed", 1, 1) for n in range(9)],
        "once": [Seen(0, "passed", 2, 1)],
        "twice": [Seen(0, "passed", 2, 1), Seen(1, "passed", 3, 1)],
    }
    assert list(flaky(heads, outcomes)) == ["twice", "once", "unsure"]


def test_since_when_it_fails() -> None:
    past: list[tuple[Any, Any]] = [
        (head(9), test("failed")), (head(8), test("skipped")), (head(7, commit="b" * 40), test("crashed")),
        (head(6, commit="c" * 40), test("passed")), (head(5), test("failed")),
    ]  # fmt: skip
    found = since(past)
    assert found is not None
    assert (found.first.name, found.runs, found.good and found.good.name) == (name(7), 2, name(6))
    assert told(found) == (
        f"fails since run {name(7)}, commit {'b' * 12}, in 2 runs;"
        f" last passed in {name(6)}, commit {'c' * 12}"
    )


def test_since_the_run_before_and_for_ever() -> None:
    once = since([(head(2), test("failed")), (head(1), test("passed"))])
    ever = since([(head(2), test("failed")), (head(1), test("failed"))])
    assert once is not None
    assert ever is not None
    assert told(once) == f"passed in the run before, {name(1)}"
    assert told(ever) == f"fails since run {name(1)}, in 2 runs; never seen to pass"


@pytest.mark.parametrize("outcomes", [[], ["passed"], ["passed", "failed"], ["skipped"]])
def test_what_does_not_fail(outcomes: list[str]) -> None:
    assert since([(head(n), test(one)) for n, one in enumerate(outcomes)]) is None
