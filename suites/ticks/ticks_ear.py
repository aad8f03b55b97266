"""A subscriber in the test's own process, and a sleep that tells how long it should have been."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from marketfeed.events import PartHealth
from marketfeed.settings import Backoff, RedisSettings
from marketfeed.subscriber import RedisEventSubscriber
from ticks_support import HANG

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketfeed.events import Event


class Ear:
    """A subscriber in this process, and what it has handed on."""

    def __init__(self, url: str, prefix: str, **settings: Any) -> None:
        backoff = Backoff(base=0.01, ceiling=0.05)
        self.settings = RedisSettings(url=url, prefix=prefix, **{"backoff": backoff, **settings})
        self.heard: list[Event] = []
        self.told: list[PartHealth] = []
        self.subscriber = RedisEventSubscriber(self.settings, self._hear)
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.subscriber.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.subscriber.stop()

    @property
    def statuses(self) -> list[str]:
        return [part.status for part in self.told]

    @property
    def sequences(self) -> list[int]:
        return [event.sequence for event in self.heard if not isinstance(event, PartHealth)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; looked at after each event."""
        try:
            async with asyncio.timeout(HANG):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"heard {len(self.heard)}, the last {self.heard[-3:]}, {self.told}"
            ) from None

    async def until_heard(self, count: int) -> list[Event]:
        await self.until(lambda: len(self.heard) >= count)
        return self.heard

    async def until_status(self, status: str) -> None:
        await self.until(lambda: self.subscriber.status == status)

    def _hear(self, event: Event) -> None:
        if isinstance(event, PartHealth):
            self.told.append(event)
        else:
            self.heard.append(event)
        self._changed.set()


class RecordedSleep:
    """A sleep that takes no time and writes down how long it should have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)
