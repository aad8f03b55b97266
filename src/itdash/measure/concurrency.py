"""Latency by concurrency: how long operations took, by how many were in flight when they began."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from itdash.measure.latency import Histogram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UP_TO: Final = (1, 4, 16, 64, 256)

CLASSES: Final = ("1", "2-4", "5-16", "17-64", "65-256", ">256")
"""The classes of concurrency, from the lowest; an operation counts itself."""


class LatencyByConcurrency:
    """One histogram for each class of concurrency."""

    __slots__ = ("histograms",)

    def __init__(self) -> None:
        self.histograms = tuple(Histogram() for _ in CLASSES)

    def record(self, in_flight: int, ns: int) -> None:
        """Count an operation of `ns` that began as one of `in_flight`."""
        self.histograms[bisect_left(_UP_TO, in_flight)].record(ns)

    def merge(self, other: LatencyByConcurrency) -> None:
        """Take in all that the other has counted."""
        for mine, theirs in zip(self.histograms, other.histograms, strict=True):
            mine.merge(theirs)

    def rows(self) -> list[tuple[str, Histogram]]:
        """The classes in which something was counted, each with its histogram."""
        return [row for row in zip(CLASSES, self.histograms, strict=True) if row[1].count]

    def to_wire(self) -> dict[str, list[int]]:
        """The classes in which something was counted, each with its histogram's wire form."""
        return {name: histogram.to_wire() for name, histogram in self.rows()}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Sequence[int]]) -> LatencyByConcurrency:
        """What `to_wire` wrote; ValueError for anything that it cannot have written."""
        if not wire.keys() <= set(CLASSES):
            raise ValueError("there are no classes of concurrency but " + ", ".join(CLASSES))
        latency = cls()
        for mine, name in zip(latency.histograms, CLASSES, strict=True):
            if name in wire:
                mine.merge(Histogram.from_wire(wire[name]))
        return latency
