"""A limit on how many may do something at once, first come first served."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Limit:
    """So many slots, and a queue before them; it tells how many are inside and how many wait."""

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError(f"a limit needs at least one slot, not {slots}")
        self._semaphore = asyncio.Semaphore(slots)  # wakes its waiters in the order in which they came
        self.active = 0
        self.waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it."""
        self.waiting += 1
        try:
            await self._semaphore.acquire()
        finally:
            self.waiting -= 1
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
            self._semaphore.release()
