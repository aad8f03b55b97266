"""Verdicts: which, with which figures, and how they read."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.measure.budget import parse
from itdash.measure.latency import Histogram
from itdash.measure.verdict import Measured, Verdict, judge

relaxed = settings(deadline=None)

MS = 10**6
SECOND = 10**9


def measured(
    latencies: list[int] | None = None,
    *,
    name: str = "scrape",
    count: int | None = None,
    errors: int = 0,
    peak: int = 1,
    duration_ns: int = SECOND,
) -> Measured:
    latency = Histogram()
    latency.record_many([] if latencies is None else latencies)
    n = latency.count if count is None else count
    return Measured(name, n, errors, peak, duration_ns, latency)


def verdict(text: str, operation: Measured, *others: Measured) -> Verdict:
    return judge(parse(text), operation, {other.name: other for other in others})


TWENTY = [i * MS for i in range(1, 21)]


@pytest.mark.parametrize(
    ("text", "outcome", "value"),
    [
        ("p50 <= 10.1ms", "kept", 10 * MS),
        ("p95 < 30ms", "kept", 19 * MS),
        ("p95 < 15ms", "broken", 19 * MS),
        ("max == 20ms", "kept", 20 * MS),
        ("max < 20ms", "broken", 20 * MS),
        ("min >= 1ms", "kept", 1 * MS),
        ("mean == 10.5ms", "kept", 10.5 * MS),
        ("mean > 10.5ms", "broken", 10.5 * MS),
        ("peak == 5", "kept", 5),
        ("peak != 5", "broken", 5),
        ("peak >= 6", "broken", 5),
        ("count == 20", "kept", 20),
        ("errors == 0", "broken", 1),
        ("errors <= 5%", "kept", 0.05),
        ("errors < 5%", "broken", 0.05),
        ("rate >= 10/s", "kept", 10),
        ("rate > 600/min", "broken", 10),
        ("max <= 2 * p50", "kept", 20 * MS),
        ("peak < 0.2 * count", "broken", 5),
    ],
)
def test_a_value_is_compared_with_its_limit(text: str, outcome: str, value: float) -> None:
    operation = measured(TWENTY, errors=1, peak=5, duration_ns=2 * SECOND)
    result = verdict(text, operation)
    assert result.outcome == outcome
    assert result.measured == pytest.approx(value, rel=0.01)
    assert result.n == 20


@pytest.mark.parametrize("seven", [7, 70, 700])
def test_a_share_at_its_limit_is_compared_exactly(seven: int) -> None:
    # In floats 0.7 / 100 is less than 7 / 1000.
    operation = measured(count=1000 * seven // 7, errors=seven)
    assert verdict("errors <= 0.7%", operation).outcome == "kept"
    assert verdict("errors < 0.7%", operation).outcome == "broken"


@pytest.mark.parametrize(
    ("text", "operation", "message"),
    [
        ("peak==5", measured([MS] * 20, peak=6), "scrape: peak == 5 broken: measured 6 (n=20)"),
        ("p95 < 250ms", measured([12_300_000] * 20), "scrape: p95 < 250ms kept: measured 12.3ms (n=20)"),
        ("p95 < 12.3ms", measured([12_310_000] * 20), "scrape: p95 < 12.3ms broken: measured 12.31ms (n=20)"),
        ("max < 12.3ms", measured([12_300_000]), "scrape: max < 12.3ms broken: measured 12.3ms (n=1)"),
        ("errors < 1%", measured(count=40, errors=1), "scrape: errors < 1% broken: measured 2.50% (n=40)"),
        ("rate > 20/s", measured(count=30), "scrape: rate > 20/s kept: measured 30.0/s (n=30)"),
        (
            "p99 < 1s",
            measured([MS] * 20),
            "scrape: p99 < 1s not judged: too few samples, p99 of scrape needs 100 (n=20)",
        ),
        ("p95 < 1s", measured(), "scrape: p95 < 1s not judged: scrape never ran"),
        (
            "max <= 3 * p50",
            measured([MS] * 4),
            "scrape: max <= 3 * p50 kept: measured 1.00ms, limit 3.00ms (n=4)",
        ),
        (
            "peak < 0.2 * count",
            measured(count=22, peak=4),
            "scrape: peak < 0.2 * count kept: measured 4, limit 4.40 (n=22)",
        ),
    ],
)
def test_the_message_is_one_readable_line(text: str, operation: Measured, message: str) -> None:
    assert verdict(text, operation).message == message


def test_ten_times_faster_than_another_operation() -> None:
    warm, cold = measured([9 * MS] * 50, name="warm"), measured([100 * MS] * 40, name="cold")
    kept = verdict('p50 <= 0.1 * p50 of "cold"', warm, cold)
    assert kept.message == (
        "warm: p50 <= 0.1 * p50(cold) kept: measured 9.00ms, limit 10.0ms (n=50, cold n=40)"
    )
    assert kept.margin == pytest.approx(0.9, rel=0.02)
    slower = verdict('p50 <= 0.1 * p50 of "cold"', measured([11 * MS] * 50, name="warm"), cold)
    assert slower.outcome == "broken"


def test_a_reference_that_never_ran_or_has_too_few_samples_is_named() -> None:
    warm = measured([9 * MS] * 50, name="warm")
    for others in ((), (measured(name="cold"),)):
        missing = verdict('p50 <= 0.1 * p50 of "cold"', warm, *others)
        assert missing.outcome == "never ran"
        assert missing.message == "warm: p50 <= 0.1 * p50(cold) not judged: cold never ran"
        assert (missing.measured, missing.limit, missing.margin) == (None, None, None)
    few = verdict('p50 <= 0.1 * p95 of "cold"', warm, measured([MS] * 19, name="cold"))
    assert few.outcome == "too few samples"
    assert few.message.endswith("too few samples, p95 of cold needs 20 (n=19)")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("count == 0", "kept"),
        ("count < 3", "kept"),
        ("count == 20", "never ran"),
        ("count >= 1", "never ran"),
        ("errors == 0", "never ran"),
        ("errors < 1%", "never ran"),
        ("peak <= 5", "never ran"),
        ("rate < 5/s", "never ran"),
        ("mean < 1s", "never ran"),
        ("max < 5 * min", "never ran"),
        ("count <= count", "never ran"),
    ],
)
def test_only_its_count_can_be_told_of_an_operation_that_never_ran(text: str, outcome: str) -> None:
    assert verdict(text, measured(duration_ns=0)).outcome == outcome


def test_a_count_of_zero_can_be_held_against_an_operation_that_ran() -> None:
    retries, scrapes = measured(name="retry"), measured([MS] * 20)
    assert verdict('count <= 0.1 * count of "scrape"', retries, scrapes).outcome == "kept"
    assert verdict('count == count of "scrape"', retries, scrapes).outcome == "never ran"


def test_operations_that_all_hang_have_a_peak_and_no_latency() -> None:
    hanging = measured(count=5, peak=5)
    assert verdict("peak == 5", hanging).outcome == "kept"
    for text in ("max < 1s", "mean < 1s", "p50 < 1s"):
        assert verdict(text, hanging).outcome == "too few samples"


def test_a_rate_needs_time() -> None:
    result = verdict("rate > 1/s", measured([0, 0], duration_ns=0))
    assert result.outcome == "too few samples"
    assert result.message.endswith("too few samples, no time passed to take a rate over (n=2)")


def test_a_rate_needs_two() -> None:
    result = verdict("rate > 1/s", measured([MS], duration_ns=MS))
    assert result.outcome == "too few samples"
    assert result.message.endswith("too few samples, rate of scrape needs 2 (n=1)")


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("max < 100ms", 0.8),
        ("max < 40ms", 2.0),
        ("max > 40ms", 0.5),
        ("max >= 160ms", 2.0),
        ("max == 80ms", None),
        ("max != 80ms", None),
        ("max < 0ms", None),
        ("errors >= 1", None),
    ],
)
def test_the_margin_is_the_part_of_the_limit_that_is_used_up(text: str, margin: float | None) -> None:
    assert verdict(text, measured([80 * MS])).margin == margin


def test_a_foreign_name_cannot_leave_the_line() -> None:
    for latencies in ([], [MS], [MS] * 100):
        result = verdict("p95 < 1s", measured(latencies, name="\x1b[2J\r\nscrape\ud800"))
        assert result.message.startswith("?[2J  scrape?: p95 < 1s")
        assert result.message.isprintable()
        assert result.operation == "\x1b[2J\r\nscrape\ud800"


def test_a_verdict_survives_json() -> None:
    result = verdict("p95 < 250ms", measured(TWENTY))
    assert msgspec.json.decode(msgspec.json.encode(result), type=Verdict) == result


@relaxed
@given(
    st.lists(st.integers(0, 10**10), min_size=20, max_size=60),
    st.sampled_from(["min", "max", "p50", "p95"]),
    st.integers(0, 10**10),
)
def test_exactly_one_of_a_budget_and_its_opposite_is_kept(values: list[int], name: str, limit: int) -> None:
    operation = measured(values)
    for one, opposite in (("<", ">="), (">", "<="), ("==", "!=")):
        outcomes = [verdict(f"{name} {sign} {limit}ns", operation).outcome for sign in (one, opposite)]
        assert sorted(outcomes) == ["broken", "kept"]


@relaxed
@given(st.lists(st.integers(0, 10**10), max_size=120), st.integers(0, 150), st.integers(0, 10**10))
def test_a_verdict_agrees_with_the_margin(values: list[int], peak: int, limit: int) -> None:
    operation = measured(values, peak=peak)
    for text in (f"p99 < {limit}ns", f"p50 > {limit}ns", f"peak < {limit}", "rate > 3/s"):
        result = verdict(text, operation)
        assert "\n" not in result.message
        if result.margin is not None:
            assert result.outcome == ("kept" if result.margin < 1 else "broken")


numbers = st.decimals("0.1", 50, places=2, allow_nan=False, allow_infinity=False).map(str)


@relaxed
@given(
    st.lists(st.integers(1, 1000), min_size=2, max_size=30),
    st.lists(st.integers(1, 1000), min_size=2, max_size=30),
    st.sampled_from(["p50", "min", "max", "mean"]),
    numbers,
    st.sampled_from(["*", "/"]),
    st.booleans(),
)
def test_a_ratio_is_the_other_statistic_times_or_divided_by_the_number(
    mine: list[int], theirs: list[int], name: str, number: str, sign: str, first: bool
) -> None:
    limit = f"{number} * {name}(idle)" if sign == "*" and first else f"{name}(idle) {sign} {number}"
    busy, idle = measured(mine), measured(theirs, name="idle")
    told = verdict(f"{name} < {limit}", busy, idle)

    def of(values: list[int]) -> Fraction:
        if name == "mean":
            return Fraction(sum(values), len(values))
        place = {"min": 0, "max": len(values) - 1, "p50": -(-len(values) // 2) - 1}[name]
        latency = Histogram()
        latency.record_many(values)
        exact = sorted(values)[place]
        return Fraction(latency.quantile(0.5) or 0) if name == "p50" else Fraction(exact)

    factor = Fraction(number) if sign == "*" else 1 / Fraction(number)
    assert (told.outcome == "kept") == (of(mine) < of(theirs) * factor)
    assert told.limit == float(of(theirs) * factor)
