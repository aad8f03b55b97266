"""The share of requirements that a run must verify: `90%`."""

from __future__ import annotations

import re
from fractions import Fraction

from itdash.requirements.entry import RequirementsError

_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s*(%?)", re.ASCII)


def parse(text: str) -> Fraction:
    """Percent as an exact number; what could mean a part of one is refused, for nobody knows what 0.9 is."""
    match = _NUMBER.fullmatch(text.strip())
    mend = "write a percentage from 0% to 100%, such as 90%"
    if match is None or Fraction(match[1]) > 100:
        raise RequirementsError(
            f"{text!r} is no share of requirements", where="--require-coverage", mend=mend
        )
    number = Fraction(match[1])
    if not match[2] and 0 < number <= 1:
        raise RequirementsError(
            f"{text!r} could mean {match[1]}% or {shown(number * 100)}",
            where="--require-coverage",
            mend=f"write {match[1]}% or {shown(number * 100)}",
        )
    return number


def shown(percent: Fraction) -> str:
    """A percentage, never rounded up: 89.99% is not 90%."""
    tenths = int(percent * 10)
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"
