"""Numbers in words: right at the edges, and never further off than the words can tell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.render.words import count, seconds, size

relaxed = settings(deadline=None)

US, MS, S = 1_000, 1_000_000, 1_000_000_000
MINUTE, HOUR = 60 * S, 3600 * S


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0µs"),
        (499, "0µs"),
        (85 * US, "85µs"),
        (999 * US, "999µs"),
        (999_499, "999µs"),
        (999_500, "1.0ms"),
        (9_940_000, "9.9ms"),
        (9_960_000, "10ms"),
        (12 * MS, "12ms"),
        (999 * MS, "999ms"),
        (999_600_000, "1.00s"),
        (1_240_000_000, "1.24s"),
        (9_994_000_000, "9.99s"),
        (9_996_000_000, "10.0s"),
        (59_940_000_000, "59.9s"),
        (59_960_000_000, "1m00s"),
        (60 * S, "1m00s"),
        (125 * S, "2m05s"),
        (3_599_400_000_000, "59m59s"),
        (3_599_900_000_000, "1h00m"),
        (HOUR, "1h00m"),
        (HOUR + 2 * MINUTE, "1h02m"),
        (HOUR + 59 * MINUTE + 40 * S, "2h00m"),
        (30 * HOUR, "30h00m"),
        (-3 * MS, "-3.0ms"),
    ],
)
def test_seconds(ns: int, words: str) -> None:
    assert seconds(ns) == words
    assert seconds(ns, ascii_only=True) == words.replace("µ", "u")


UNITS = {"µs": US, "ms": MS, "s": S, "m": MINUTE, "h": HOUR}


def read(words: str) -> tuple[float, float]:
    """What the words say in nanoseconds, and the last place they tell."""
    parts = re.findall(r"([\d.]+)(µs|ms|s|m|h)", words)
    assert "".join(number + unit for number, unit in parts) == words
    number, unit = parts[-1]
    return sum(float(n) * UNITS[u] for n, u in parts), UNITS[unit] / 10 ** len(number.partition(".")[2])


@relaxed
@given(st.integers(0, 10**15))
def test_seconds_are_as_near_as_the_words_can_be(ns: int) -> None:
    told, place = read(seconds(ns))
    assert abs(told - ns) <= place * 0.51


@relaxed
@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_longer_is_never_told_as_shorter(one: int, other: int) -> None:
    assert (one <= other) <= (read(seconds(one))[0] <= read(seconds(other))[0])


EDGES = st.sampled_from([unit * times for unit in UNITS.values() for times in (1, 10, 60, 1000)])
NEAR_EDGES = EDGES.flatmap(lambda edge: st.integers(edge - edge // 100, edge + edge // 100))


@relaxed
@given(st.integers(0, 10**15) | NEAR_EDGES)
def test_each_unit_ends_where_the_next_begins(ns: int) -> None:
    limits = {"µs": 1000, "ms": 1000, "s": 60, "m": 60}
    for number, unit in re.findall(r"([\d.]+)(µs|ms|s|m|h)", seconds(ns)):
        assert unit == "h" or (float(number) < limits[unit] and len(number.replace(".", "")) <= 3)


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 tests"), (1, "1 test"), (2, "2 tests"), (1204, "1,204 tests"), (1_000_000, "1,000,000 tests")],
)
def test_count(number: int, words: str) -> None:
    assert count(number, "test") == words


def test_count_of_a_word_with_a_plural_of_its_own() -> None:
    assert [count(number, "process", "processes") for number in (1, 2)] == ["1 process", "2 processes"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3_400, "3.4 kB"),
        (9_940, "9.9 kB"),
        (9_960, "10 kB"),
        (120_000, "120 kB"),
        (999_400, "999 kB"),
        (999_500, "1.0 MB"),
        (120_000_000, "120 MB"),
        (999_600_000, "1.0 GB"),
        (1_000_000_000, "1.0 GB"),
        (4_200_000_000_000, "4200 GB"),
    ],
)
def test_size(number: int, words: str) -> None:
    assert size(number) == words


@relaxed
@given(st.integers(0, 10**12 - 10**9))
def test_a_size_has_three_digits_and_is_as_near_as_they_can_be(number: int) -> None:
    text, unit = size(number).split(" ")
    told = float(text) * {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}[unit]
    assert len(text.replace(".", "")) <= 3
    assert abs(told - number) <= max(0.51, 0.051 * number)
    assert abs(told - number) <= 0.51 * {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}[unit]
