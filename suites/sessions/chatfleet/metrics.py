"""What the manager counts: operations by their name and end, and a picture of the whole at one moment."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Counts:
    """One kind of operation: how many began, and how those that ended did so."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def active(self) -> int:
        return self.started - self.succeeded - self.failed - self.cancelled


class Metrics:
    """Counts for each operation; always on, and nothing but a few additions."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)
        self.retries = 0

    @contextmanager
    def track(self, name: str) -> Iterator[None]:
        """Count what happens inside as one operation."""
        counts = self._counts[name]
        counts.started += 1
        try:
            yield
        except asyncio.CancelledError:
            counts.cancelled += 1
            raise
        except BaseException:
            counts.failed += 1
            raise
        counts.succeeded += 1

    def snapshot(self) -> dict[str, Counts]:
        return {name: replace(counts) for name, counts in self._counts.items()}

    def reset(self) -> None:
        """Start from nothing; an operation still under way will be counted nowhere."""
        self._counts.clear()
        self.retries = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that a manager holds at one moment; a manager that is shut down equals `Status()`."""

    sessions: frozenset[str] = frozenset()
    monitoring: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()
    load: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Sessions whose monitor gave up, and why."""
    tasks: int = 0
    scrapes_active: int = 0
    scrapes_waiting: int = 0
    retries: int = 0
    operations: dict[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShutdownReport:
    """How a shutdown went."""

    cancelled: int = 0
    """Tasks that were running and ended when told to."""
    stuck: tuple[str, ...] = ()
    """Names of the tasks that had not ended when the time was up."""
