"""Trying again: only after errors that may pass, each time after a longer pause."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

from .errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .settings import Backoff

T = TypeVar("T")

_MAX_DOUBLINGS = 60  # any ceiling is reached by then; without a bound the power would overflow


class Retry:
    """Exponential backoff with jitter; chance and sleep are parameters, so that a test can foresee both."""

    def __init__(
        self,
        backoff: Backoff,
        *,
        on_pause: Callable[[float, TransientError], None] = lambda _pause, _error: None,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backoff = backoff
        self._on_pause = on_pause
        self._chance = chance
        self._sleep = sleep

    def pause(self, attempt: int) -> float:
        """Seconds to wait after this attempt; the first is 1."""
        backoff = self._backoff
        longest = min(backoff.ceiling, backoff.base * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
        return longest * (1 - backoff.jitter * self._chance())

    async def run(self, operation: Callable[[], Awaitable[T]]) -> T:
        """The operation's result, or the error of its last attempt."""
        for attempt in range(1, self._backoff.attempts):
            try:
                return await operation()
            except TransientError as error:
                pause = self.pause(attempt)
                self._on_pause(pause, error)
                await self._sleep(pause)
        return await operation()
