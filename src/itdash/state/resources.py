"""What the run took: its processes over time, what each test's process held, and what tests left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.events.model import LeakFound, ResourcesCounted, ResourcesSampled

POINTS_KEPT: Final = 600
CASES_KEPT: Final = 10_000
LEAKS_KEPT: Final = 1_000


class Point(msgspec.Struct, frozen=True, gc=False):
    """From `t` on until the next point: the highest values, and nanoseconds of CPU until its end."""

    t: int
    cpu: int
    memory: int
    processes: int
    threads: int
    descriptors: int


class Resources:
    """Kept up as samples and counts arrive; neighbouring samples become one when there are too many."""

    def __init__(self) -> None:
        self.series: list[Point] = []
        self.peak: Point | None = None
        self.samples = 0
        self.counted: dict[int, ResourcesCounted] = {}
        self.leaks: dict[tuple[int, str], LeakFound] = {}
        self.leaks_beyond = 0
        self._pid = 0
        self._before = 0

    @property
    def cpu(self) -> int:
        """Nanoseconds of CPU that the processes had taken when they were last looked at."""
        return self.series[-1].cpu if self.series else 0

    def sampled(self, event: ResourcesSampled) -> None:
        """The tree was looked at; a process that follows another one begins to count anew."""
        if event.pid != self._pid:
            self._pid, self._before = event.pid, self.cpu
        point = Point(
            event.t, max(self._before + event.cpu, self.cpu), event.memory, event.processes, event.threads,
            event.descriptors,
        )  # fmt: skip
        self.samples += 1
        self.peak = point if self.peak is None else _merged(self.peak, point)
        self.series.append(point)
        if len(self.series) > POINTS_KEPT:
            pairs = zip(self.series[::2], self.series[1::2], strict=False)
            odd = self.series[-1:] if len(self.series) % 2 else []
            self.series = [*(_merged(*pair) for pair in pairs), *odd]

    def count(self, event: ResourcesCounted) -> None:
        """What a test's process held; that of its last attempt counts."""
        if event.case in self.counted or len(self.counted) < CASES_KEPT:
            self.counted[event.case] = event

    def leaked(self, event: LeakFound) -> None:
        """A test left something behind."""
        if (event.case, event.leak) in self.leaks or len(self.leaks) < LEAKS_KEPT:
            self.leaks[event.case, event.leak] = event
        else:
            self.leaks_beyond += 1


def _merged(one: Point, other: Point) -> Point:
    return Point(
        one.t, max(one.cpu, other.cpu), max(one.memory, other.memory), max(one.processes, other.processes),
        max(one.threads, other.threads), max(one.descriptors, other.descriptors),
    )  # fmt: skip


def plain(resources: Resources) -> dict[str, Any] | None:
    """The processes for `summary.json`: times in seconds, memory in bytes; nothing if never looked at."""
    peak = resources.peak
    if peak is None:
        return None
    return {
        "samples": resources.samples, "cpu": resources.cpu / 1e9, "peak_memory": peak.memory,
        "peak_processes": peak.processes, "peak_threads": peak.threads,
        "peak_descriptors": peak.descriptors,
        "series": [
            [point.t / 1e9, point.cpu / 1e9, point.memory, point.processes, point.threads, point.descriptors]
            for point in resources.series
        ],
    }  # fmt: skip


def plain_leaks(resources: Resources, ids: Mapping[int, str]) -> list[dict[str, Any]]:
    """What each test left behind, for `summary.json`."""
    return [
        {"case": ids.get(event.case, str(event.case)), "kind": event.leak, "count": event.count,
         "names": list(event.names)}
        for event in resources.leaks.values()
    ]  # fmt: skip


def plain_counted(event: ResourcesCounted) -> dict[str, Any]:
    """What a test's process held before and after it, for `summary.json`."""
    return {
        "threads": list(event.threads), "descriptors": list(event.descriptors),
        "sockets": list(event.sockets), "children": list(event.children), "tasks": event.tasks,
        "pending": list(event.pending),
    }  # fmt: skip
