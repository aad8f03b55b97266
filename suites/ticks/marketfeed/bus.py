"""Hands each event to every handler that wants its type; what happens to one handler stays with it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from itdash import probe

from .statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .events import Event

_log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Events that a handler gets before the others have their turn."""


class _Lane:
    """One handler with the events that wait for it."""

    def __init__(self, name: str, kinds: set[type], handler: Callable[[Any], Awaitable[None]]) -> None:
        self.name = name
        self.kinds = kinds
        self.handler = handler
        self.waiting: deque[Event] = deque()
        self.wake = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.task: asyncio.Task[None] | None = None


class EventBus:
    """Publishing never waits: each handler has a queue and a task of its own."""

    def __init__(self, limit: int) -> None:
        self.statistics = Statistics("bus")
        self._limit = limit
        self._lanes: list[_Lane] = []

    def on(self, name: str, handler: Callable[[Any], Awaitable[None]], *kinds: type[Event]) -> None:
        """Have this handler called with each event of these types, one after the other."""
        self._lanes.append(_Lane(name, set(kinds), handler))

    def publish(self, event: Event) -> None:
        for lane in self._lanes:
            if type(event) not in lane.kinds:
                continue
            if len(lane.waiting) >= self._limit:
                self.statistics.count(f"overflowed.{lane.name}")
                continue
            lane.waiting.append(event)
            lane.idle.clear()
            lane.wake.set()

    def waiting(self) -> dict[str, int]:
        """How many events wait for each handler."""
        return {lane.name: len(lane.waiting) for lane in self._lanes}

    async def start(self) -> None:
        for lane in self._lanes:
            lane.task = asyncio.create_task(self._run(lane), name=f"handler {lane.name}")

    async def stop(self, grace: float) -> None:
        """Let handlers have what waits for them, within this time, and end them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*(lane.idle.wait() for lane in self._lanes if lane.task))
        tasks = [lane.task for lane in self._lanes if lane.task]
        for lane in self._lanes:
            if lane.task is not None:
                lane.task.cancel()
            lane.task = None
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, lane: _Lane) -> None:
        while True:
            await lane.wake.wait()
            lane.wake.clear()
            handled = 0
            while lane.waiting:
                await self._hand(lane, lane.waiting.popleft())
                handled += 1
                if handled % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            lane.idle.set()

    async def _hand(self, lane: _Lane, event: Event) -> None:
        try:
            with probe.operation("bus.handle", handler=lane.name):
                await lane.handler(event)
        except Exception:
            self.statistics.count(f"failed.{lane.name}")
            _log.exception("%s failed on %s", lane.name, type(event).__name__)
        else:
            self.statistics.count(f"handled.{lane.name}")
