"""Units of time, rate and share, and how measured values are written."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

Dimension = Literal["time", "rate", "count", "share"]

TIME_UNITS: Final = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
"""Nanoseconds in each unit."""

RATE_UNITS: Final = {"/s": Fraction(1), "/min": Fraction(1, 60)}
"""What each unit is of one per second."""

_MICRO: Final = str.maketrans("\u00b5\u03bc", "uu")  # the micro sign, and the Greek letter that looks like it
_STEPS: Final = (("µs", 10**3, 1000), ("ms", 10**6, 1000), ("s", 10**9, 60))


def plain_unit(text: str) -> str:
    """The unit with its micro sign written as u."""
    return text.translate(_MICRO)


def format_ns(ns: float, digits: int = 3) -> str:
    """A duration of 0 or more with that many significant digits, such as 850ns, 12.3ms, 1.20s, 90.0min."""
    if round(ns) < 1000:
        return f"{ns:.0f}ns"
    for unit, size, too_many in _STEPS:
        text = _significant(ns / size, digits)
        if float(text) < too_many:
            return text + unit
    return _significant(max(1, ns / TIME_UNITS["min"]), digits) + "min"


def format_value(value: float, dimension: Dimension, digits: int = 3) -> str:
    """A value in the base of its dimension (nanoseconds, per second, pieces, 1 for all) with its unit."""
    if dimension == "time":
        return format_ns(value, digits)
    if dimension == "count":
        return f"{value:.0f}" if value == round(value) else _significant(value, digits)
    if dimension == "rate":
        return f"{_significant(value, digits)}/s"
    return f"{_significant(value * 100, digits)}%"


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    # The exponent is that of the rounded value: 9.996 has two places before the point when it is written.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:.{max(0, digits - 1 - exponent)}f}"
