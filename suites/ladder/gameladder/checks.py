"""Checks of what callers hand in."""

from __future__ import annotations

import math

from .errors import InvalidValue


def positive(name: str, value: float) -> float:
    """The value, if it is a number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(f"{name} must be a number, not {value!r}")
    if not math.isfinite(value) or value <= 0:
        raise InvalidValue(f"{name} must be above 0, not {value!r}")
    return value


def not_negative(name: str, value: float) -> float:
    """The value, if it is zero or more."""
    return value if value == 0 and not isinstance(value, bool) else positive(name, value)


def whole(name: str, value: int, least: int, most: int) -> int:
    """The value, if it is a whole number between the two."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return value
