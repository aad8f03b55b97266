"""Latency by concurrency."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.measure.concurrency import CLASSES, LatencyByConcurrency

relaxed = settings(deadline=None)
pairs = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10**12)), max_size=60)


def latency_of(values: list[tuple[int, int]]) -> LatencyByConcurrency:
    latency = LatencyByConcurrency()
    for in_flight, ns in values:
        latency.record(in_flight, ns)
    return latency


@pytest.mark.parametrize(
    ("in_flight", "name"),
    [
        (1, "1"),
        (2, "2-4"),
        (4, "2-4"),
        (5, "5-16"),
        (16, "5-16"),
        (17, "17-64"),
        (64, "17-64"),
        (65, "65-256"),
        (256, "65-256"),
        (257, ">256"),
        (10**6, ">256"),
    ],
)
def test_each_number_in_flight_has_its_class(in_flight: int, name: str) -> None:
    latency = latency_of([(in_flight, 7)])
    assert [(row, histogram.count, histogram.max) for row, histogram in latency.rows()] == [(name, 1, 7)]


@relaxed
@given(pairs, pairs)
def test_merging_is_recording_everything_in_one(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    merged = latency_of(a)
    merged.merge(latency_of(b))
    assert merged.histograms == latency_of(b + a).histograms


@relaxed
@given(pairs)
def test_the_wire_form_survives_json(values: list[tuple[int, int]]) -> None:
    latency = latency_of(values)
    wire = json.loads(json.dumps(latency.to_wire()))
    assert LatencyByConcurrency.from_wire(wire).histograms == latency.histograms


def test_rows_come_from_the_lowest_class_up_and_only_where_something_ran() -> None:
    latency = latency_of([(300, 1), (1, 1), (20, 1)])
    assert [name for name, _ in latency.rows()] == ["1", "17-64", ">256"]
    assert set(latency.to_wire()) < set(CLASSES)


@pytest.mark.parametrize("wire", [{"3": [7, 0, 0, 0, 0]}, {"1": [7]}])
def test_a_wire_that_nothing_wrote_is_refused(wire: dict[str, list[int]]) -> None:
    with pytest.raises(ValueError, match=r"no classes of concurrency|not a histogram"):
        LatencyByConcurrency.from_wire(wire)
