"""What the service counts about itself: operations with their durations, and single events."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tally(msgspec.Struct):
    """One kind of operation."""

    count: int = 0
    in_flight: int = 0
    errors: int = 0
    cancelled: int = 0
    total_seconds: float = 0.0
    longest_seconds: float = 0.0


class Snapshot(msgspec.Struct):
    """Everything counted since the service started."""

    operations: dict[str, Tally]
    events: dict[str, int]


class Metrics:
    """Always on; the probe hears of each operation and event as well."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._events: Counter[str] = Counter()

    @contextmanager
    def operation(self, name: str, **labels: str) -> Iterator[None]:
        """Count and time what happens inside."""
        tally = self._tallies.setdefault(name, Tally())
        tally.count += 1
        tally.in_flight += 1
        began = time.perf_counter()
        try:
            with probe.operation(name, **labels):
                yield
        except asyncio.CancelledError:
            tally.cancelled += 1
            raise
        except Exception:
            tally.errors += 1
            raise
        finally:
            seconds = time.perf_counter() - began
            tally.in_flight -= 1
            tally.total_seconds += seconds
            tally.longest_seconds = max(tally.longest_seconds, seconds)

    def event(self, name: str) -> None:
        """Count something that has no duration."""
        self._events[name] += 1
        probe.count(name)

    def snapshot(self) -> Snapshot:
        return Snapshot(self._tallies, dict(self._events))
