"""Measured values as text."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.measure.units import TIME_UNITS, Dimension, format_ns, format_value, plain_unit

relaxed = settings(deadline=None)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ns"),
        (850, "850ns"),
        (999, "999ns"),
        (999.6, "1.00µs"),
        (1000, "1.00µs"),
        (9_996, "10.0µs"),
        (999_499, "999µs"),
        (999_500, "1.00ms"),
        (12_345_678, "12.3ms"),
        (1_200_000_000, "1.20s"),
        (59_900_000_000, "59.9s"),
        (59_960_000_000, "1.00min"),
        (90 * 60 * 10**9, "90.0min"),
        (86_400 * 10**9, "1440min"),
    ],
)
def test_durations_have_three_digits_and_the_unit_that_suits(ns: float, text: str) -> None:
    assert format_ns(ns) == text


@relaxed
@given(st.integers(0, 10**18), st.integers(3, 9))
def test_a_formatted_duration_reads_back_within_its_digits(ns: int, digits: int) -> None:
    number, unit = re.findall(r"[0-9.]+|[^0-9.]+", format_ns(ns, digits))
    again = round(Fraction(number) * TIME_UNITS[plain_unit(unit)])
    assert abs(again - ns) * 10 ** (digits - 1) <= ns + 10 ** (digits - 1)


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (12_300_000, "time", "12.3ms"),
        (5, "count", "5"),
        (1_234_567, "count", "1234567"),
        (4.4, "count", "4.40"),
        (18.349, "rate", "18.3/s"),
        (0.012, "rate", "0.0120/s"),
        (123_456.7, "rate", "123457/s"),
        (0.025, "share", "2.50%"),
        (0, "share", "0%"),
        (1, "share", "100%"),
    ],
)
def test_values_carry_the_unit_of_their_dimension(value: float, dimension: Dimension, text: str) -> None:
    assert format_value(value, dimension) == text
