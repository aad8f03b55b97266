"""A mergeable histogram of durations whose quantiles are within one per cent, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_NS: Final = 2**63 - 1
"""The longest duration that is taken: 292 years, the largest integer of 64 bits with a sign."""

# A duration keeps its leading seven bits. The middle of a bucket is then at most 1/128 from anything in it.
_BITS: Final = 7
_PER_OCTAVE: Final = 1 << (_BITS - 1)
_LAST_BUCKET: Final = ((63 - _BITS) << (_BITS - 1)) + (1 << _BITS) - 1

# Quantiles are counted in billionths: in floats 0.07 * 100 is a little more than 7, and its rank would be 8.
_WHOLE: Final = 10**9

# JSON readers that keep numbers as doubles are exact up to here, so a sum travels in two parts.
_HALF: Final = 2**53


class Histogram:
    """Counts durations of 0 to `LONGEST_NS` whole nanoseconds; not locked, its owner calls from one thread.

    Quantiles follow the nearest rank: the sample at place ceil(q * n) of the n sorted samples, at least the
    first. The first and the last place are exact, every other is within 1/128 of the sample there.
    """

    __slots__ = ("_buckets", "_least", "_most", "count", "sum")

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0
        self._least = LONGEST_NS
        self._most = 0
        self._buckets: dict[int, int] = {}

    @property
    def min(self) -> int | None:
        """The shortest duration."""
        return self._least if self.count else None

    @property
    def max(self) -> int | None:
        """The longest duration."""
        return self._most if self.count else None

    def record(self, ns: int) -> None:
        """Count one duration."""
        shift = ns.bit_length() - _BITS
        # Written out, and not _bucket_of(ns): this runs once for every operation that is measured.
        bucket = ns if shift <= 0 else (shift << (_BITS - 1)) + (ns >> shift)
        try:
            self._buckets[bucket] += 1
        except KeyError:
            self._buckets[bucket] = 1
        self.count += 1
        self.sum += ns
        if ns < self._least:  # noqa: PLR1730 (a call of min costs as much as all the rest)
            self._least = ns
        if ns > self._most:  # noqa: PLR1730
            self._most = ns

    def record_many(self, durations: Iterable[int]) -> None:
        """Count each of the durations."""
        record = self.record
        for ns in durations:
            record(ns)

    def merge(self, other: Histogram) -> None:
        """Take in all that the other has counted, as if it had been recorded here."""
        for bucket, n in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + n
        self.count += other.count
        self.sum += other.sum
        self._least = min(self._least, other._least)
        self._most = max(self._most, other._most)

    def quantile(self, q: float) -> int | None:
        """The duration at the nearest rank of `q` (0 to 1), or None when nothing was recorded."""
        rank = max(1, -(-_billionths(q) * self.count // _WHOLE))
        if rank == 1:
            return self.min
        if rank == self.count:
            return self.max
        bucket = seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                break
        return min(max(_middle_of(bucket), self._least), self._most)

    def to_wire(self) -> list[int]:
        """Plain integers for JSON: [bits, sum in two parts, min, max, then gap and count of each bucket]."""
        wire = [_BITS, *divmod(self.sum, _HALF), self.min or 0, self._most]
        before = 0
        for bucket in sorted(self._buckets):
            wire += (bucket - before, self._buckets[bucket])
            before = bucket
        return wire

    @classmethod
    def from_wire(cls, wire: Sequence[int]) -> Histogram:
        """The histogram that `to_wire` wrote; ValueError for anything that it cannot have written."""
        if len(wire) < 5 or len(wire) % 2 == 0 or any(type(part) is not int for part in wire):
            raise ValueError("not a histogram: expected five integers, then pairs of them")
        bits, high, low, least, most, *pairs = wire
        if bits != _BITS:
            raise ValueError(f"not a histogram of {_BITS} bits, the only precision that is known here")
        histogram = cls()
        bucket = 0
        for gap, n in zip(pairs[::2], pairs[1::2], strict=True):
            bucket += gap
            if n < 1 or gap < 0 or bucket > _LAST_BUCKET or bucket in histogram._buckets:
                raise ValueError("not a histogram: its buckets are out of order, out of range or empty")
            histogram._buckets[bucket] = n
            histogram.count += n
        histogram.sum = high * _HALF + low
        if histogram.count:
            histogram._least, histogram._most = least, most
        if not histogram._is_sound() or histogram.to_wire() != list(wire):
            raise ValueError("not a histogram: its sum, min or max contradict its buckets")
        return histogram

    def _is_sound(self) -> bool:
        if not self._least * self.count <= self.sum <= self._most * self.count:
            return False
        return not self.count or (
            0 <= self._least <= self._most <= LONGEST_NS
            and _bucket_of(self._least) == min(self._buckets)
            and _bucket_of(self._most) == max(self._buckets)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self.to_wire() == other.to_wire()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, min={self.min}, p50={self.quantile(0.5)}, max={self.max})"


class Percentile(msgspec.Struct, frozen=True):
    """A quantile with the number of samples behind it; without a value where they are too few for it."""

    q: float
    n: int
    value: int | None


def percentile(histogram: Histogram, q: float) -> Percentile:
    """The quantile where the samples carry it."""
    carried = supports(q, histogram.count)
    return Percentile(q, histogram.count, histogram.quantile(q) if carried else None)


def supports(q: float, n: int) -> bool:
    """Whether `n` samples can carry the quantile."""
    return n >= samples_needed(q)


def samples_needed(q: float) -> int:
    """How many samples it takes until one of them is expected beyond the quantile, at its nearer end.

    100 for p99 and for p1, 20 for p95, 10 for p90, 2 for p50, 1 for the extremes themselves.
    """
    billionths = _billionths(q)
    beyond = min(billionths, _WHOLE - billionths)
    return -(-_WHOLE // beyond) if beyond else 1


def _billionths(q: float) -> int:
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    return round(q * _WHOLE)


def _bucket_of(ns: int) -> int:
    shift = ns.bit_length() - _BITS
    return ns if shift <= 0 else (shift << (_BITS - 1)) + (ns >> shift)


def _middle_of(bucket: int) -> int:
    shift = max(0, (bucket >> (_BITS - 1)) - 1)
    lowest = (bucket - (shift << (_BITS - 1))) << shift
    return lowest + ((1 << shift) - 1) // 2
