"""Slower over many runs, as far as it is more than noise; and what a test usually takes."""

from __future__ import annotations

from random import Random

import pytest
from history_support import head

from itdash.history.store import Seen
from itdash.history.trend import LEAST, slower, usual

RUNS = 40
HEADS = [head(n) for n in reversed(range(RUNS))]


def seen(factor: float, chance: Random, noise: float = 0.05, runs: int = RUNS) -> list[Seen]:
    """A test whose newest runs take `factor` times as long."""
    return [
        Seen(place, "passed", 1, int(chance.gauss(1, noise) * 50e6 * (factor if place < runs // 3 else 1)))
        for place in range(runs)
    ]


def test_what_really_takes_longer_is_found() -> None:
    chance = Random(1)
    outcomes = {f"t{n}": seen(1.0, chance) for n in range(50)} | {"slow": seen(1.5, chance)}
    found = slower(HEADS, outcomes)
    assert list(found) == ["slow"]
    assert found["slow"].after / found["slow"].before == pytest.approx(1.5, rel=0.1)


def test_it_grows_little_by_little() -> None:
    chance = Random(2)
    grown = [
        Seen(n, "passed", 1, int(50e6 * 1.02 ** (RUNS - n) * chance.gauss(1, 0.03))) for n in range(RUNS)
    ]
    assert list(slower(HEADS, {"grown": grown})) == ["grown"]


def test_noise_is_none() -> None:
    chance = Random(3)
    for _ in range(20):
        outcomes = {f"t{n}": seen(1.0, chance, noise=0.3) for n in range(30)}
        assert slower(HEADS, outcomes) == {}


@pytest.mark.parametrize("factor", [1.1, 0.5])
def test_a_little_slower_and_faster_are_not_told(factor: float) -> None:
    assert slower(HEADS, {"a": seen(factor, Random(4), noise=0.01)}) == {}


def test_microseconds_are_not_told() -> None:
    tiny = [Seen(n, "passed", 1, 9_000 if n < 12 else 1_000 + n) for n in range(RUNS)]
    assert slower(HEADS, {"a": tiny}) == {}


def test_too_few_runs_say_nothing() -> None:
    few = seen(3.0, Random(5), runs=LEAST - 1)
    assert slower(HEADS, {"a": few}) == {}
    assert slower([], {}) == {}


def test_runs_on_another_machine_and_failures_do_not_count() -> None:
    chance = Random(6)
    heads = [head(n, machine="new" if n >= RUNS - 13 else "old") for n in reversed(range(RUNS))]
    assert slower(heads, {"a": seen(2.0, chance)}) == {}
    failed = [one._replace(outcome="failed") if one.place < 13 else one for one in seen(9.0, chance)]
    assert slower(HEADS, {"a": failed}) == {}


def test_what_a_test_usually_takes() -> None:
    outcomes = {
        "a": [Seen(n, "passed", 1, taken * 10**9) for n, taken in enumerate((1, 9, 2, 100))],
        "b": [Seen(0, "crashed", 1, 10**9), Seen(1, "failed", 1, 4 * 10**9)],
        "c": [Seen(0, "not run", 0, 0)],
    }
    assert usual(outcomes, 3) == {"a": 2.0, "b": 4.0}
