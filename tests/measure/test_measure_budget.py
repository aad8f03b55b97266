"""The grammar of budgets: what is read, and how what cannot be read is refused."""

from __future__ import annotations

import copy
import pickle
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from itdash.measure.budget import Budget, BudgetSyntaxError, Quantity, Ratio, Statistic, parse

relaxed = settings(deadline=None)

MS = 10**6


@pytest.mark.parametrize(
    ("text", "tidy", "dimension", "value"),
    [
        ("p95 < 100ms", "p95 < 100ms", "time", 100 * MS),
        ("p95<100ms", "p95 < 100ms", "time", 100 * MS),
        (" p 95  <\t100 ms ", "p95 < 100ms", "time", 100 * MS),
        ("p(99) <= 1s", "p99 <= 1s", "time", 1000 * MS),
        ("p ( 99.90 ) <= 1s", "p99.9 <= 1s", "time", 1000 * MS),
        ("p99.9 < 1s", "p99.9 < 1s", "time", 1000 * MS),
        ("p0.5 > 1ns", "p0.5 > 1ns", "time", 1),
        ("p50 < 007.50us", "p50 < 7.5us", "time", 7500),
        ("p50 < 3\u00b5s", "p50 < 3us", "time", 3000),
        ("p50 < 3\u03bcs", "p50 < 3us", "time", 3000),
        ("max < 2s", "max < 2s", "time", 2000 * MS),
        ("min >= 1min", "min >= 1min", "time", 60_000 * MS),
        ("mean != 0.001ms", "mean != 0.001ms", "time", 1000),
        ("peak == 5", "peak == 5", "count", 5),
        ("peak >= 250", "peak >= 250", "count", 250),
        ("count == 20.0", "count == 20", "count", 20),
        ("rate > 20/s", "rate > 20/s", "rate", 20),
        ("rate > 90 / min", "rate > 90/min", "rate", Fraction(3, 2)),
        ("errors == 0", "errors == 0", "count", 0),
        ("errors < 0.1 %", "errors < 0.1%", "share", Fraction(1, 1000)),
    ],
)
def test_budgets_with_a_fixed_limit(text: str, tidy: str, dimension: str, value: Fraction | int) -> None:
    budget = parse(text)
    assert budget.text == text
    assert str(budget) == tidy
    assert budget.dimension == dimension
    assert isinstance(budget.limit, Quantity)
    assert budget.limit.value == value


@pytest.mark.parametrize(
    ("text", "tidy", "limit"),
    [
        (
            "p50<=0.1*p50 of 'cold'",
            "p50 <= 0.1 * p50(cold)",
            Ratio("0.1", Statistic("p50", 0.5), "cold"),
        ),
        ('p50 <= p50 of "cold"', "p50 <= p50(cold)", Ratio("1", Statistic("p50", 0.5), "cold")),
        ("max < 5 * mean", "max < 5 * mean", Ratio("5", Statistic("mean"))),
        ("max < 1 * min of 'a \"b\"'", "max < min('a \"b\"')", Ratio("1", Statistic("min", 0.0), 'a "b"')),
        ('count == count of "open"', "count == count(open)", Ratio("1", Statistic("count"), "open")),
        ('rate > 2 * rate of "x"', "rate > 2 * rate(x)", Ratio("2", Statistic("rate"), "x")),
        (
            "p50 < p50(report.cold) / 10",
            "p50 < p50(report.cold) / 10",
            Ratio("1", Statistic("p50", 0.5), "report.cold", "10"),
        ),
        ("p95 <= 2*p(99) ( idle )", "p95 <= 2 * p99(idle)", Ratio("2", Statistic("p99", 0.99), "idle")),
        ("max < mean('a b') * 3", 'max < 3 * mean("a b")', Ratio("3", Statistic("mean"), "a b")),
        (
            "p95 < 3 * p95(a/b-c:d) / 4.50",
            "p95 < 3 * p95(a/b-c:d) / 4.5",
            Ratio("3", Statistic("p95", 0.95), "a/b-c:d", "4.5"),
        ),
        ("max < p50 / 2", "max < p50 / 2", Ratio("1", Statistic("p50", 0.5), None, "2")),
    ],
)
def test_budgets_against_another_statistic(text: str, tidy: str, limit: Ratio) -> None:
    budget = parse(text)
    assert budget.limit == limit
    assert str(budget) == tidy


def test_percentiles_extremes_and_other_statistics_know_their_quantile() -> None:
    texts = ("p99.9 < 1s", "min < 1s", "max < 1s", "mean < 1s", "peak < 1")
    assert [parse(text).statistic.q for text in texts] == [0.999, 0.0, 1.0, None, None]


WHAT = "what to measure: p50 p99.9 p(99) min max mean peak count errors rate"
COMPARISON = "a comparison: < <= == != >= >"


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("", "^", WHAT),
        ("   ", "^", WHAT),
        ("P95 < 100ms", "^", WHAT),
        ("median < 1s", "^^^^^^", WHAT),
        ("5 < peak", "^", WHAT),
        ("p < 1s", "  ^", "the number of the percentile, as in p95"),
        ("p(95 < 1s", "     ^", "the closing bracket of p("),
        ("p100 < 1s", " ^^^", "a percentile between 0 and 100 with at most seven decimals"),
        ("p0 < 1s", " ^", "the ends are called min and max"),
        ("p99.12345678 < 1s", " ^^^^^^^^^^^", "at most seven decimals"),
        ("p95", "   ^", COMPARISON),
        ("p95 = 1s", "    ^", COMPARISON),
        ("p95 =< 1s", "    ^^", COMPARISON),
        ("p95 \u2264 1s", "    ^", COMPARISON),
        ("p95 <", "     ^", "a number, or a statistic of another operation"),
        ("p95 < -1ms", "      ^", "a number, or a statistic of another operation"),
        ("p95 < 100", "         ^", "a unit of time, as p95 is a time: ns us ms s min"),
        ("p95 < 100 MS", "          ^^", "a unit of time, as p95 is a time: ns us ms s min"),
        ("p95 < 100ms, max < 1s", "           ^", "nothing more: a budget is one comparison"),
        ("p95 < 1" + "0" * 15 + "s", "      " + "^" * 16, "at most 15 digits on each side of the point"),
        ("peak < 5ms", "        ^^", "nothing after the number: peak is counted, it has no unit"),
        ("peak < 5.5", "       ^^^", "a whole number: peak is counted"),
        ("errors < 5ms", "          ^^", "% or nothing after the number"),
        ("errors < 0.5", "         ^^^", "a whole number: errors is counted"),
        ("rate > 20", "         ^", "a unit, as rate is per time: /s /min"),
        ("rate > 20/", "          ^", "a unit, as rate is per time: /s /min"),
        ("rate > 20/h", "          ^", "a unit, as rate is per time: /s /min"),
        ("rate > 20s", "         ^", "a unit, as rate is per time: /s /min"),
        ("p50 < 2 * peak", "          ^^^^", "a time, as p50 is one; peak is a count"),
        ("p50 < 2 *", "         ^", WHAT),
        ("p50 < 2 * p50 of cold", "                 ^^^^", "the name of an operation in quotes"),
        ('p50 < 2 * p50 of "cold', "                 ^", "the name of an operation in quotes"),
        ('p50 < 2 * p50 of ""', "                 ^^", "the name of an operation in quotes"),
        ('p50 < p50 of "\x1b[2J"', "             ^^^^^^", "the name of an operation in quotes"),
        ("p50 < p50(cold", "              ^", "the closing bracket after the name of the operation"),
        ("p50 < p50(cold room)", "               ^^^^", "the closing bracket after the name"),
        ("p50 < p50(9)", "          ^", "the name of an operation in quotes"),
        ("p50 < p50(cold) / 0", "                  ^", "a number other than 0 to divide by"),
        ("p50 < p50(cold) / p50(cold)", "                  ^", "a number"),
        ("p50 < p50(cold) / 2ms", "                   ^^", "nothing more: a budget is one comparison"),
        ("p95 < \u0661ms", "      ^", "a number, or a statistic of another operation"),
    ],
)
def test_a_refusal_underlines_the_place_and_says_what_was_expected(
    text: str, marks: str, expected: str
) -> None:
    with pytest.raises(BudgetSyntaxError) as refusal:
        parse(text)
    first, shown, carets = str(refusal.value).split("\n")
    assert first.startswith("not a budget: expected ")
    assert expected in first
    assert shown[2:] == text.replace("\x1b", "?")
    assert carets[2:] == marks
    assert refusal.value.text == text


def test_the_underline_follows_wide_characters_and_long_texts() -> None:
    with pytest.raises(BudgetSyntaxError) as wide:
        parse('p50 < p50 of "\u6e29\u304b\u3044" !')
    assert str(wide.value).split("\n")[2] == "  " + " " * 22 + "^"
    with pytest.raises(BudgetSyntaxError) as fits:
        parse("p95 < 1s" + " " * 60 + "oops")
    assert str(fits.value).split("\n")[1:] == ["  p95 < 1s" + " " * 60 + "oops", " " * 70 + "^^^^"]
    with pytest.raises(BudgetSyntaxError) as long:
        parse("p95 < 1s" + " " * 300 + "oops" + " " * 300 + "x")
    _, shown, carets = str(long.value).split("\n")
    assert len(shown) < 90
    assert shown[carets.index("^") :].startswith("oops")
    assert carets.strip() == "^^^^"


def test_a_refusal_survives_pickling() -> None:
    with pytest.raises(BudgetSyntaxError) as refusal:
        parse("p95 < 100")
    for again in (pickle.loads(pickle.dumps(refusal.value)), copy.copy(refusal.value)):
        assert str(again) == str(refusal.value)
        assert (again.position, again.length) == (9, 1)


def test_every_budget_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "budgets.md").read_text(encoding="utf-8")
    texts = [text for text in re.findall(r"`([^`\n]+)`", page) if re.search(r"\w [<>=!]=? ", text)]
    refused = ["p95 < 100", "peak < 5ms"]
    assert len(texts) > 15
    assert [text for text in texts if not reads(text)] == refused


def reads(text: str) -> bool:
    try:
        parse(text)
    except BudgetSyntaxError:
        return False
    return True


def decimals(places: int) -> st.SearchStrategy[str]:
    return st.from_regex(rf"(0|[1-9][0-9]{{0,7}})(\.[0-9]{{0,{places - 1}}}[1-9])?", fullmatch=True)


whole = st.integers(0, 10**15 - 1).map(str)
percents = decimals(7).filter(lambda text: 0 < Fraction(text) < 100)
percentiles = percents.map(lambda text: Statistic(f"p{text}", float(Fraction(text) / 100)))
times = percentiles | st.sampled_from([Statistic("min", 0.0), Statistic("max", 1.0), Statistic("mean")])
counts = st.sampled_from([Statistic("peak"), Statistic("count"), Statistic("errors")])
rate = st.just(Statistic("rate"))
names = st.text(min_size=1).filter(lambda name: name.isprintable() and not ('"' in name and "'" in name))


def limited(
    statistics: st.SearchStrategy[Statistic], limits: st.SearchStrategy[Quantity]
) -> st.SearchStrategy[Budget]:
    divisors = decimals(15).filter(lambda text: Fraction(text) != 0)
    ratios = st.builds(Ratio, decimals(15), statistics, st.none() | names, st.just("1") | divisors)
    return st.builds(
        Budget,
        st.just(""),
        statistics,
        st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]),
        limits | ratios,
    )


budgets = st.one_of(
    limited(times, st.builds(Quantity, decimals(15), st.sampled_from(["ns", "us", "ms", "s", "min"]))),
    limited(counts, st.builds(Quantity, whole, st.just(""))),
    limited(st.just(Statistic("errors")), st.builds(Quantity, decimals(15), st.just("%"))),
    limited(rate, st.builds(Quantity, decimals(15), st.sampled_from(["/s", "/min"]))),
)


@relaxed
@given(budgets)
def test_a_written_budget_reads_back_the_same(budget: Budget) -> None:
    text = str(budget)
    again = parse(text)
    assert again == Budget(text, budget.statistic, budget.comparator, budget.limit)


@relaxed
@given(budgets, st.data())
def test_spaces_are_free(budget: Budget, data: st.DataObject) -> None:
    tidy = str(budget)
    if isinstance(budget.limit, Ratio) and budget.limit.operation is not None:
        tidy = tidy[: tidy.index("(")]  # a name keeps its spaces
    spaces = st.sampled_from(["", " ", "\t", "\n  "])
    loose = "".join(data.draw(spaces) + part for part in tidy.split(" ")) + data.draw(spaces)
    assert str(parse(loose)) == str(parse(tidy))


WORDS = """p95 p ( ) 99.9 100 1. . min max mean peak rate errors count of * / % /s ms s us \u00b5s
    < <= == != >= > = ! <> - , ' " "cold" 'x'"""
pieces = st.sampled_from([*WORDS.split(), " ", "\x1b", "\ud800", "9" * 5000])


@settings(deadline=None, max_examples=400)
@given(st.text() | st.lists(pieces, max_size=9).map(" ".join) | st.lists(pieces, max_size=9).map("".join))
@example("p" * 100_000)
@example("p95 < 1s" + " " * 100_000)
def test_any_text_is_a_budget_or_a_syntax_error(text: str) -> None:
    try:
        budget = parse(text)
    except BudgetSyntaxError as error:
        assert 0 <= error.position <= len(text)
        lines = str(error).split("\n")
        assert len(lines) == 3
        assert all(line.isprintable() and len(line) < 200 for line in lines)
    else:
        assert str(parse(str(budget))) == str(budget)
