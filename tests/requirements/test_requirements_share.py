"""The share that a run must verify: what is taken, and what nobody could be sure of."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.requirements.entry import RequirementsError
from itdash.requirements.share import parse, shown


@pytest.mark.parametrize(
    ("text", "percent"),
    [("90%", 90), ("90", 90), (" 87.5 % ", Fraction("87.5")), ("0.5%", Fraction(1, 2)), ("1%", 1), ("0", 0),
     ("100%", 100), ("1.5", Fraction(3, 2))],
)  # fmt: skip
def test_percent(text: str, percent: Fraction) -> None:
    assert parse(text) == percent


@pytest.mark.parametrize(
    "text", ["", "%", "ninety", "-1%", "101%", "100.1", "90 %%", "9e1", "nan", "٩٠%", ".9", "9/10"]
)
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(RequirementsError) as caught:
        parse(text)
    assert "such as 90%" in caught.value.mend


@pytest.mark.parametrize(
    ("text", "mend"), [("0.9", "0.9% or 90%"), ("1", "1% or 100%"), ("0.125", "0.125% or 12.5%")]
)
def test_what_could_mean_two_things(text: str, mend: str) -> None:
    with pytest.raises(RequirementsError) as caught:
        parse(text)
    assert caught.value.mend == f"write {mend}"


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_is_never_shown_as_more_than_it_is(part: int, whole: int) -> None:
    exact = Fraction(100 * part, whole)
    told = Fraction(shown(exact).removesuffix("%"))
    assert exact - Fraction(1, 10) < told <= exact
