"""Health: each part is tried at the moment at which somebody asks, so it mends itself when the part does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Literal

import msgspec

from .errors import ArchiveError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

State = Literal["healthy", "degraded"]

_REMEMBERED = 100


class Change(msgspec.Struct, frozen=True):
    """The moment at which somebody who asked found another state than the one before."""

    at: float
    state: State
    failing: list[str]


class Verdict(msgspec.Struct, frozen=True):
    """How the archive is; `failing` has what is wrong with each part that does not work."""

    status: State
    failing: dict[str, str]


class Health:
    """Asks every part how it is."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[object]]], timeout: float) -> None:
        self._checks = checks
        self._timeout = timeout
        self.changes: deque[Change] = deque(maxlen=_REMEMBERED)

    async def check(self) -> Verdict:
        """All parts at once, each for no longer than the timeout."""
        troubles = await asyncio.gather(*map(self._trouble, self._checks.values()))
        failing = {name: trouble for name, trouble in zip(self._checks, troubles, strict=True) if trouble}
        verdict = Verdict("degraded" if failing else "healthy", failing)
        before = self.changes[-1] if self.changes else Change(0.0, "healthy", [])
        if before.failing != list(failing):
            self.changes.append(Change(time.time(), verdict.status, list(failing)))
        return verdict

    async def _trouble(self, check: Callable[[], Awaitable[object]]) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                await check()
        except ArchiveError as error:
            return f"{type(error).__name__}: {error}"
        except TimeoutError:
            return f"{Unavailable.__name__}: no answer within {self._timeout:g} s"
        return None
