"""The troubles a test has ordered: planned faults, a gate before the history, and gauges to wait on."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .commands import Fault, Gauge, Operation


class Faults:
    """Faults that are still to happen, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._planned: list[tuple[Fault, int]] = []

    def plan(self, fault: Fault) -> None:
        self._planned.append((fault, fault.times))

    def take(self, operation: Operation, account: str | None, channel: str | None) -> Fault | None:
        """The first fault that fits, used up by one."""
        for place, (fault, left) in enumerate(self._planned):
            if (
                fault.operation == operation
                and fault.account in (None, account)
                and fault.channel in (None, channel)
            ):
                if left > 1:
                    self._planned[place] = (fault, left - 1)
                else:
                    del self._planned[place]
                return fault
        return None


class Gauges:
    """Counts that can be waited on, so that no test has to sleep and look again."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._waiters: list[tuple[Gauge, int, asyncio.Future[None]]] = []

    def add(self, gauge: Gauge, change: int) -> None:
        self._counts[gauge] += change
        for waited_for, count, waiter in self._waiters:
            if waited_for == gauge and self._counts[gauge] == count and not waiter.done():
                waiter.set_result(None)

    async def reach(self, gauge: Gauge, count: int, timeout: float) -> None:
        """Wait for this count; every single change is seen, however short it lasts."""
        if self._counts[gauge] == count:
            return
        entry = (gauge, count, asyncio.get_running_loop().create_future())
        self._waiters.append(entry)
        try:
            async with asyncio.timeout(timeout):
                await entry[2]
        finally:
            self._waiters.remove(entry)

    def read(self) -> dict[str, int]:
        return dict(self._counts)


class Gate:
    """Holds whoever comes until enough have come together."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._size = 0
        self._held: list[asyncio.Future[None]] = []

    def resize(self, size: int) -> None:
        self._size = size
        self._open_if_full()

    async def enter(self) -> None:
        if self._size == 0:
            return
        turn = asyncio.get_running_loop().create_future()
        self._held.append(turn)
        self._gauges.add("held", 1)
        try:
            self._open_if_full()
            await turn
        finally:
            self._gauges.add("held", -1)
            if turn in self._held:
                self._held.remove(turn)

    def _open_if_full(self) -> None:
        if len(self._held) < self._size:
            return
        for turn in self._held:
            if not turn.done():
                turn.set_result(None)
        self._held.clear()
