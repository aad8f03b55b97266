"""The verdict on a budget: kept, broken, too few samples or never ran, with the figures that it rests on."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from itdash.measure.budget import Budget, Quantity, Statistic
from itdash.measure.latency import Histogram, samples_needed
from itdash.measure.text import printable
from itdash.measure.units import Dimension, format_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Outcome = Literal["kept", "broken", "too few samples", "never ran"]

_COMPARE: Final[dict[str, Callable[[Fraction, Fraction], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


class Measured(msgspec.Struct, frozen=True):
    """What is known of an operation: how many began, how many failed, the latencies of those that ended.

    `duration_ns` is the time over which the rate is taken: from the first begin to the last begin or end.
    """

    name: str
    count: int
    errors: int
    peak: int
    duration_ns: int
    latency: Histogram


class Verdict(msgspec.Struct, frozen=True):
    """What became of a budget; `measured` and `limit` are in the base of the dimension, None where unknown.

    `margin` is the part of the limit that is used up: 1 at the limit, more beyond it, None for == and != and
    where there is nothing to divide.
    """

    operation: str
    budget: str
    outcome: Outcome
    dimension: Dimension
    measured: float | None
    limit: float | None
    n: int
    margin: float | None
    message: str


class _Reading(msgspec.Struct, frozen=True):
    """A value and the number of samples behind it."""

    value: Fraction
    n: int = 0


class _Unknown(msgspec.Struct, frozen=True):
    """Why there is no value."""

    outcome: Literal["too few samples", "never ran"]
    reason: str


def judge(budget: Budget, measured: Measured, others: Mapping[str, Measured] | None = None) -> Verdict:
    """The verdict on the budget of an operation; `others` are the operations that a ratio may name."""
    reading = _read(budget.statistic, budget.dimension, measured)
    limit = _limit(budget, measured, others or {})
    if isinstance(reading, _Unknown):
        return _not_judged(budget, measured, reading)
    if isinstance(limit, _Unknown):
        return _not_judged(budget, measured, limit)
    kept = _COMPARE[budget.comparator](reading.value, limit.value)
    if not (kept or measured.count):
        return _not_judged(budget, measured, _never_ran(measured.name))
    outcome: Outcome = "kept" if kept else "broken"
    return Verdict(
        operation=measured.name,
        budget=str(budget),
        outcome=outcome,
        dimension=budget.dimension,
        measured=float(reading.value),
        limit=float(limit.value),
        n=reading.n,
        margin=_margin(budget.comparator, reading.value, limit.value),
        message=f"{printable(measured.name)}: {budget} {outcome}: {_figures(budget, reading, limit)}",
    )


def _not_judged(budget: Budget, measured: Measured, unknown: _Unknown) -> Verdict:
    return Verdict(
        operation=measured.name,
        budget=str(budget),
        outcome=unknown.outcome,
        dimension=budget.dimension,
        measured=None,
        limit=float(budget.limit.value) if isinstance(budget.limit, Quantity) else None,
        n=_samples(budget.statistic, measured),
        margin=None,
        message=f"{printable(measured.name)}: {budget} not judged: {unknown.reason}",
    )


def _limit(budget: Budget, measured: Measured, others: Mapping[str, Measured]) -> _Reading | _Unknown:
    limit = budget.limit
    if isinstance(limit, Quantity):
        return _Reading(limit.value)
    other = measured if limit.operation is None else others.get(limit.operation)
    if other is None or not other.count:
        return _never_ran(limit.operation or measured.name)
    reading = _read(limit.statistic, limit.statistic.dimension, other)
    if isinstance(reading, _Unknown):
        return reading
    return _Reading(limit.times * reading.value, reading.n)


def _read(statistic: Statistic, dimension: Dimension, measured: Measured) -> _Reading | _Unknown:
    """The exact value of the statistic, where there is one."""
    n = _samples(statistic, measured)
    # That an operation ran 0 times is a measurement; nothing else can be said of one that never ran.
    if not measured.count and statistic.name != "count":
        return _never_ran(measured.name)
    if statistic.dimension == "time":
        return _read_time(statistic, measured)
    if dimension == "share":
        return _Reading(Fraction(measured.errors, n), n)
    if statistic.dimension == "count":
        counted = {"count": measured.count, "errors": measured.errors, "peak": measured.peak}
        return _Reading(Fraction(counted[statistic.name]), n)
    if n == 1:
        return _too_few(f"{statistic} of {printable(measured.name)} needs 2 (n=1)")
    if measured.duration_ns <= 0:
        return _too_few(f"no time passed to take a rate over (n={n})")
    return _Reading(Fraction(n * 10**9, measured.duration_ns), n)


def _read_time(statistic: Statistic, measured: Measured) -> _Reading | _Unknown:
    latency = measured.latency
    needed = 1 if statistic.q is None else samples_needed(statistic.q)
    if latency.count < needed:
        return _too_few(f"{statistic} of {printable(measured.name)} needs {needed} (n={latency.count})")
    if statistic.q is None:
        return _Reading(Fraction(latency.sum, latency.count), latency.count)
    return _Reading(Fraction(latency.quantile(statistic.q) or 0), latency.count)


def _too_few(reason: str) -> _Unknown:
    return _Unknown("too few samples", f"too few samples, {reason}")


def _never_ran(name: str) -> _Unknown:
    return _Unknown("never ran", f"{printable(name)} never ran")


def _samples(statistic: Statistic, measured: Measured) -> int:
    return measured.latency.count if statistic.dimension == "time" else measured.count


def _margin(comparator: str, value: Fraction, limit: Fraction) -> float | None:
    used, allowed = (value, limit) if comparator in ("<", "<=") else (limit, value)
    return float(used / allowed) if allowed and comparator not in ("==", "!=") else None


def _figures(budget: Budget, reading: _Reading, limit: _Reading) -> str:
    shown, shown_limit = _told_apart(reading.value, limit.value, budget.dimension)
    if isinstance(budget.limit, Quantity):
        return f"measured {shown} (n={reading.n})"
    other = budget.limit.operation
    samples = f"n={reading.n}, {other} n={limit.n}" if other else f"n={reading.n}"
    return f"measured {shown}, limit {shown_limit} ({samples})"


def _told_apart(value: Fraction, limit: Fraction, dimension: Dimension) -> tuple[str, str]:
    """Both as text, with as many digits as it takes to see which is the larger."""
    for digits in range(3, 10):
        texts = tuple(format_value(float(figure), dimension, digits) for figure in (value, limit))
        if value == limit or texts[0] != texts[1]:
            break
    return texts[0], texts[1]
