"""A circuit breaker: leaves a part alone that keeps failing, and looks now and then whether it is back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TypeVar

from .errors import BreakerOpen, ReportDeskError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .settings import BreakerSettings

T = TypeVar("T")

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Closed: calls pass. Open: none does. Half-open: a single one does, and its outcome decides."""

    def __init__(
        self, part: str, settings: BreakerSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._part = part
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False
        self._era = 0
        self.rejected = 0

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half-open" if self._probing or self._rest_of_pause() <= 0 else "open"

    async def call(self, operation: Callable[[], Awaitable[T]]) -> T:
        """The operation's result; BreakerOpen if it was not tried."""
        era = self._admit()
        try:
            result = await operation()
        except TransientError:
            self._failed(era)
            raise
        except ReportDeskError:
            self._succeeded(era)  # whoever says no is there
            raise
        except BaseException:
            self._abandoned(era)
            raise
        self._succeeded(era)
        return result

    def _admit(self) -> int:
        if self._opened_at is None:
            return self._era
        if self._probing or self._rest_of_pause() > 0:
            self.rejected += 1
            raise BreakerOpen(f"{self._part} is left alone after repeated failures", self._rest_of_pause())
        self._probing = True
        self._era += 1
        return self._era

    # A call may end long after the state has changed that let it pass. Its outcome then says nothing about
    # the present: only calls of the current era count.

    def _failed(self, era: int) -> None:
        if era != self._era:
            return
        self._failures += 1
        if self._probing or self._failures >= self._settings.threshold:
            self._probing = False
            self._opened_at = self._clock()
            self._era += 1

    def _succeeded(self, era: int) -> None:
        if era != self._era:
            return
        self._failures = 0
        if self._probing:
            self._probing = False
            self._opened_at = None
            self._era += 1

    def _abandoned(self, era: int) -> None:
        if era == self._era:
            self._probing = False

    def _rest_of_pause(self) -> float:
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._settings.reset_after - self._clock())
