"""Trying again: only after errors that may pass, each time after a longer pause."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .errors import FloodWait, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_MAX_DOUBLINGS = 30  # the ceiling is long reached; without a bound the power overflows in an endless retry


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter; randomness and sleep are parameters, so that a test can foresee it."""

    attempts: int | None = 3
    """How often to try in all; None never gives up."""
    base: float = 0.1
    ceiling: float = 30.0
    jitter: float = 0.5
    """The share of a pause that is left to chance, so that a fleet does not come back all at once."""
    patience: float = 300.0
    """A flood wait longer than this is not waited for."""
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts must be 1 or more, or None for no end, not {self.attempts}")
        if not 0 <= self.base <= self.ceiling:
            raise ValueError(f"base must lie between 0 and the ceiling, not {self.base} of {self.ceiling}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must lie between 0 and 1, not {self.jitter}")

    def pause(self, attempt: int, error: TransientError) -> float:
        """How long to wait after this attempt (the first is 1) ended in this error."""
        longest = min(self.ceiling, self.base * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
        backoff = longest * (1 - self.jitter * self.chance())
        return max(backoff, error.seconds) if isinstance(error, FloodWait) else backoff

    async def run(
        self, operation: Callable[[], Awaitable[T]], on_retry: Callable[[TransientError], None] | None = None
    ) -> T:
        """The operation's result, or the error of its last attempt."""
        attempt = 1
        while True:
            try:
                return await operation()
            except TransientError as error:
                if attempt == self.attempts:
                    raise
                if isinstance(error, FloodWait) and error.seconds > self.patience:
                    raise
                if on_retry is not None:
                    on_retry(error)
                await self.sleep(self.pause(attempt, error))
            attempt += 1
