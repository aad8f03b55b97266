"""The test of ranks: against the counting of all orders, and against itself in buckets."""

from __future__ import annotations

from itertools import combinations
from math import exp
from random import Random

import pytest

from itdash.history.shift import adjusted, of_histograms, of_values, spread
from itdash.measure.latency import Histogram


def by_counting(n: int, m: int, u: float) -> float:
    """The p of a U by going through every order of n and m things."""
    places = range(n + m)
    every = [
        sum(one < other for one in chosen for other in places if other not in chosen)
        for chosen in map(set, combinations(places, n))
    ]
    return sum(abs(one - n * m / 2) >= abs(u - n * m / 2) for one in every) / len(every)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (5, 2), (6, 5)])
def test_the_exact_chance_is_that_of_counting(n: int, m: int) -> None:
    chance = Random(n * 100 + m)
    for _ in range(20):
        values = chance.sample(range(1000), n + m)
        one, other = values[:n], values[n:]
        u = sum(a < b for a in one for b in other)
        found = of_values(one, other)
        assert found.above == u / (n * m)
        assert found.p == pytest.approx(by_counting(n, m, u))


def test_ties_count_half() -> None:
    assert of_values([1, 2], [1, 2]).above == 0.5
    assert of_values([5] * 9, [5] * 9) == (0.5, 1.0)
    assert of_values([1, 1, 1], [1, 2, 2]).above == pytest.approx(5 / 6)


def test_sides_change_the_share_and_not_the_chance() -> None:
    one, other = [1.0, 2.0, 4.0, 8.5], [3.0, 5.0, 6.0]
    there, back = of_values(one, other), of_values(other, one)
    assert there.p == back.p
    assert there.above == pytest.approx(1 - back.above)


def test_many_values_are_near_the_exact_chance() -> None:
    """One pair more than is counted out: normal and exact must agree."""
    chance = Random(3)
    one = [chance.gauss(0, 1) for _ in range(24)]
    other = [chance.gauss(0.5, 1) for _ in range(25)]
    exact = of_values(one, other)
    repeated = of_values([*one, *one], [*other, *other])  # with ties, and therefore by the other way
    assert exact.above == repeated.above
    assert exact.p == pytest.approx(of_values(one[:24], other[:25]).p)
    assert repeated.p < exact.p


def test_histograms_say_what_their_samples_say() -> None:
    chance = Random(5)
    one = [int(chance.lognormvariate(14, 0.3)) for _ in range(60)]
    other = [int(chance.lognormvariate(14.1, 0.3)) for _ in range(80)]
    first, second = Histogram(), Histogram()
    first.record_many(one)
    second.record_many(other)
    by_buckets, by_values = of_histograms(first, second), of_values(one, other)
    assert by_buckets.above == pytest.approx(by_values.above, abs=0.01)
    assert by_buckets.p == pytest.approx(by_values.p, abs=0.02)


def test_a_histogram_against_itself() -> None:
    one = Histogram()
    one.record_many([1, 5, 900, 70_000])
    assert of_histograms(one, one) == (0.5, 1.0)


def test_identical_chance_gives_uniform_ps() -> None:
    chance = Random(7)
    ps = [
        of_values([chance.random() for _ in range(12)], [chance.random() for _ in range(12)]).p
        for _ in range(600)
    ]
    assert 0.03 <= sum(p <= 0.05 for p in ps) / len(ps) <= 0.07


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), ([0.5], [0.5]), ([0.01, 0.04, 0.03, 0.5], [0.04, 0.16 / 3, 0.16 / 3, 0.5]),
     ([0.9, 0.95], [0.95, 0.95])],
)  # fmt: skip
def test_chances_for_many_questions(values: list[float], expected: list[float]) -> None:
    assert adjusted(values) == pytest.approx(expected)


def test_the_spread_is_that_of_logarithms_and_knows_no_outlier() -> None:
    chance = Random(9)
    values = [exp(chance.gauss(3, 0.1)) for _ in range(2000)]
    assert spread(values) == pytest.approx(0.1, rel=0.1)
    assert spread([*values[:20], 1e9]) < 0.2
    assert spread([4.0]) == 0.0
