"""Many who want the same thing at once: it is made a single time, and all of them get it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Flight(Generic[T]):
    """One making of a thing; it is current until the thing is known to have changed since."""

    task: asyncio.Task[T]

    def __init__(self) -> None:
        self._current = True

    def is_current(self) -> bool:
        return self._current

    def outdate(self) -> None:
        self._current = False


class Flights(Generic[T]):
    """What is being made now, by key."""

    def __init__(self) -> None:
        self._by_key: dict[str, Flight[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    async def join(self, key: str, produce: Callable[[Flight[T]], Awaitable[T]]) -> T:
        """The thing, made by this caller or by one who came before."""
        flight = self._by_key.get(key)
        if flight is None:
            flight = self._by_key[key] = Flight()
            # A task of its own: when the caller who happened to be first goes away, the others still wait.
            flight.task = asyncio.create_task(self._make(key, flight, produce), name=f"make {key}")
            self._tasks.add(flight.task)
            flight.task.add_done_callback(self._landed)
        return await asyncio.shield(flight.task)

    def forget(self, key: str) -> None:
        """The thing has changed: whoever comes now must not get what is being made."""
        flight = self._by_key.pop(key, None)
        if flight is not None:
            flight.outdate()

    async def close(self) -> None:
        """End everything that is being made."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _make(self, key: str, flight: Flight[T], produce: Callable[[Flight[T]], Awaitable[T]]) -> T:
        try:
            return await produce(flight)
        finally:
            if self._by_key.get(key) is flight:
                del self._by_key[key]

    def _landed(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here too, for all who waited may have gone
