"""Histograms against the sorted samples that they stand for."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.measure.latency import (
    LONGEST_NS,
    Histogram,
    percentile,
    samples_needed,
    supports,
)

relaxed = settings(deadline=None)

# Uniform integers are nearly all huge; a drawn number of bits reaches every octave.
durations = st.integers(0, 63).flatmap(lambda bits: st.integers(0, 2**bits - 1)) | st.integers(0, 1000)
samples = st.lists(durations, max_size=120)
filled = st.lists(durations, min_size=1, max_size=120)


def histogram_of(values: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(values)
    return histogram


def nearest_rank(values: list[int], thousandths: int) -> int:
    rank = max(1, math.ceil(thousandths * len(values) / 1000))
    assert rank == max(1, (thousandths * len(values) + 999) // 1000)
    return sorted(values)[rank - 1]


@relaxed
@given(filled, st.integers(0, 1000))
def test_every_quantile_is_within_one_per_cent_of_the_sample_at_its_rank(
    values: list[int], thousandths: int
) -> None:
    estimate = histogram_of(values).quantile(thousandths / 1000)
    truth = nearest_rank(values, thousandths)
    assert estimate is not None
    assert abs(estimate - truth) * 100 <= truth


@relaxed
@given(filled)
def test_count_sum_and_extremes_are_exact(values: list[int]) -> None:
    histogram = histogram_of(values)
    assert (histogram.count, histogram.sum) == (len(values), sum(values))
    assert (histogram.min, histogram.max) == (min(values), max(values))
    assert (histogram.quantile(0), histogram.quantile(1)) == (min(values), max(values))


@relaxed
@given(durations)
def test_one_sample_is_every_quantile(value: int) -> None:
    histogram = histogram_of([value])
    assert {histogram.quantile(q) for q in (0, 0.5, 0.99, 1)} == {value}


def test_the_bounds_of_every_octave_stay_within_one_per_cent() -> None:
    for bits in range(1, 64):
        for value in (2**bits - 1, 2 ** (bits - 1), 3 * 2 ** (bits - 1) // 2):
            # Beside the extremes, which are exact, so that the middle of the bucket is what is told.
            estimate = histogram_of([0, value, LONGEST_NS]).quantile(0.5)
            assert estimate is not None
            assert abs(estimate - value) * 100 <= value


def test_an_empty_histogram_has_no_values() -> None:
    empty = Histogram()
    assert (empty.count, empty.sum, empty.min, empty.max) == (0, 0, None, None)
    assert empty.quantile(0.5) is None


@relaxed
@given(samples, samples, samples)
def test_merging_is_recording_everything_in_one(a: list[int], b: list[int], c: list[int]) -> None:
    left = histogram_of(a)
    left.merge(histogram_of(b))
    left.merge(histogram_of(c))
    tail = histogram_of(c)
    tail.merge(histogram_of(b))
    right = tail
    right.merge(histogram_of(a))
    assert left == right == histogram_of(a + b + c)


@relaxed
@given(samples)
def test_merging_with_itself_counts_all_twice(values: list[int]) -> None:
    histogram = histogram_of(values)
    histogram.merge(histogram)
    assert histogram == histogram_of(values * 2)


@relaxed
@given(samples)
def test_the_wire_form_survives_json(values: list[int]) -> None:
    histogram = histogram_of(values)
    assert Histogram.from_wire(json.loads(json.dumps(histogram.to_wire()))) == histogram


@relaxed
@given(samples)
def test_no_number_on_the_wire_but_an_extreme_needs_more_than_a_double(values: list[int]) -> None:
    wire = histogram_of(values).to_wire()
    assert all(part < 2**53 for part in wire[:3] + wire[5:])


@relaxed
@given(filled, st.data())
def test_a_damaged_wire_is_refused_or_stands_for_something(values: list[int], data: st.DataObject) -> None:
    wire = histogram_of(values).to_wire()
    place = data.draw(st.integers(0, len(wire) - 1))
    wire[place] = data.draw(st.integers(-(2**64), 2**64))
    try:
        histogram = Histogram.from_wire(wire)
    except ValueError:
        return
    assert histogram.to_wire() == wire


@relaxed
@given(st.lists(st.integers(-3, 200), max_size=12))
def test_any_integers_are_refused_or_stand_for_something(wire: list[int]) -> None:
    try:
        histogram = Histogram.from_wire(wire)
    except ValueError:
        return
    assert histogram.to_wire() == wire


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        ([], "expected five integers"),
        ([7, 0, 0, 0], "expected five integers"),
        ([7, 0, 5, 5, 5, 5], "expected five integers"),
        ([7, 0, 5, 5, 5, 5, True], "expected five integers"),
        ([6, 0, 5, 5, 5, 5, 1], "7 bits"),
        ([7, 0, 5, 5, 5, 5, 0], "out of order, out of range or empty"),
        ([7, 0, 5, 5, 5, -5, 1], "out of order, out of range or empty"),
        ([7, 0, 5, 5, 5, 10**6, 1], "out of order, out of range or empty"),
        ([7, 0, 10, 5, 5, 5, 1, 0, 1], "out of order, out of range or empty"),
        ([7, 0, 6, 5, 5, 5, 1], "contradict"),
        ([7, 0, 5, 4, 5, 5, 1], "contradict"),
        ([7, 0, 5, 5, 6, 5, 1], "contradict"),
        ([7, 0, 1, 0, 0], "contradict"),
        ([7, 0, 0, 1, 1], "contradict"),
    ],
)
def test_a_wire_that_nothing_wrote_is_refused(wire: list[int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Histogram.from_wire(wire)


def test_memory_is_bounded_by_the_range_and_not_by_the_count() -> None:
    histogram = Histogram()
    for bits in range(63):
        histogram.record_many((1 << bits) + (part << bits) // 500 for part in range(500))
    assert histogram.count == 63 * 500
    assert len(histogram.to_wire()) <= 5 + 2 * (128 + 56 * 64)


def test_histograms_are_equal_by_content_and_show_it() -> None:
    assert histogram_of([1, 2]) != histogram_of([1, 3])
    assert histogram_of([1, 2]) != [1, 2]
    assert repr(histogram_of([1, 2, 3])) == "Histogram(count=3, min=1, p50=2, max=3)"


@pytest.mark.parametrize(
    ("q", "needed"),
    [(0.5, 2), (0.9, 10), (0.95, 20), (0.99, 100), (0.999, 1000), (0.75, 4), (1, 1), (0, 1), (0.01, 100)],
)
def test_a_quantile_needs_samples_beyond_it(q: float, needed: int) -> None:
    assert samples_needed(q) == needed
    assert supports(q, needed)
    assert not supports(q, needed - 1)


def test_a_percentile_says_its_n_and_has_no_value_without_enough() -> None:
    few = percentile(histogram_of([5] * 99), 0.99)
    assert (few.n, few.value) == (99, None)
    enough = percentile(histogram_of([5] * 100), 0.99)
    assert (enough.n, enough.value) == (100, 5)


@pytest.mark.parametrize("q", [-0.01, 1.01, math.nan, math.inf])
def test_a_quantile_lies_between_0_and_1(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Histogram().quantile(q)
