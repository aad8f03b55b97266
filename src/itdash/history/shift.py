"""Whether one set of durations is really longer than another: a test of ranks, its effect, and how much."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cache
from itertools import accumulate
from math import comb, erfc, log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.measure.latency import Histogram

_EXACT: Final = 600
"""Up to so many pairs the distribution of the ranks is counted out; above, it is near enough to normal."""

_TO_SIGMA: Final = 1.4826
"""A median of deviations times this is the standard deviation of what is normal."""


class Ranks(NamedTuple):
    """`above` is the share of pairs in which the second is the longer, ties counted half; 0.5 is no shift.

    `p` is how likely chance alone makes ranks as uneven as these, in either direction.
    """

    above: float
    p: float


def of_histograms(one: Histogram, other: Histogram) -> Ranks:
    """The test on two sets of latencies; those in one bucket are ties."""
    first, second = dict(_buckets(one)), dict(_buckets(other))
    below = twice = ties = 0
    for bucket in sorted(first.keys() | second.keys()):
        n, m = first.get(bucket, 0), second.get(bucket, 0)
        twice += m * (2 * below + n)
        below += n
        ties += (n + m) ** 3 - (n + m)
    return _ranks(twice / 2, one.count, other.count, ties)


def of_values(one: Sequence[float], other: Sequence[float]) -> Ranks:
    """The test on two short sets of durations."""
    first = sorted(one)
    u = sum(bisect_left(first, value) + bisect_right(first, value) for value in other) / 2
    both = sorted([*one, *other])
    counts = [bisect_right(both, value) - bisect_left(both, value) for value in dict.fromkeys(both)]
    ties = sum(n**3 - n for n in counts)
    if not ties and len(one) * len(other) <= _EXACT:
        return Ranks(u / (len(one) * len(other)), _exact(u, len(one), len(other)))
    return _ranks(u, len(one), len(other), ties)


def _buckets(histogram: Histogram) -> list[tuple[int, int]]:
    """Number and count of each bucket; the numbers rise with the durations."""
    _, _, _, _, _, *pairs = histogram.to_wire()
    number, found = 0, []
    for gap, count in zip(pairs[::2], pairs[1::2], strict=True):
        number += gap
        found.append((number, count))
    return found


def _ranks(u: float, n: int, m: int, ties: int) -> Ranks:
    whole = n + m
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1))) if whole > 1 else 0.0
    if variance <= 0:
        return Ranks(0.5, 1.0)
    z = max(0.0, abs(u - n * m / 2) - 0.5) / sqrt(variance)
    return Ranks(u / (n * m), erfc(z / sqrt(2)))


def _exact(u: float, n: int, m: int) -> float:
    """The share of all orders of n and m that are as uneven as this one."""
    least = int(min(u, n * m - u))
    return min(1.0, 2 * _ways(n, m)[least] / comb(n + m, n))


@cache
def _ways(n: int, m: int) -> list[int]:
    """In how many orders at most so many pairs stand the wrong way round.

    They are the sums of the coefficients of a polynomial, the product of (1 - q^(n+i)) / (1 - q^i).
    """
    ways = [1] + [0] * (n * m)
    for i in range(1, m + 1):
        for place in range(n * m, n + i - 1, -1):
            ways[place] -= ways[place - n - i]
        for place in range(i, n * m + 1):
            ways[place] += ways[place - i]
    return list(accumulate(ways))


def adjusted(values: Sequence[float]) -> list[float]:
    """Each p for as many questions as were asked at once, by Benjamini and Hochberg."""
    order = sorted(range(len(values)), key=values.__getitem__)
    told = [1.0] * len(values)
    least = 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        least = min(least, values[place] * len(values) / rank)
        told[place] = least
    return told


def spread(values: Sequence[float]) -> float:
    """How far apart positive values lie by nature, as the standard deviation of their logarithms.

    A value that is far off counts no more than one that is a little off.
    """
    logs = [log(value) for value in values]
    middle = median(logs)
    return _TO_SIGMA * median([abs(one - middle) for one in logs])
