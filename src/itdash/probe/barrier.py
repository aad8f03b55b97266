"""A barrier for threads and tasks that makes overlap certain: all go on once so many have come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class NotTogether(TimeoutError):  # it says what happened
    """Too few came to a barrier in time."""

    __module__ = "itdash.probe"


class together:  # it is used like a function
    """Wait until `n` threads or tasks of this process wait under this name: `.wait()`, or `await` it."""

    __slots__ = ("_n", "_name", "_timeout")

    def __init__(self, name: str, n: int, /, timeout: float = 10.0) -> None:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(
                f"probe.together({name!r}, ...) waits for a whole number of 1 or more, not {n!r}"
            )
        if not timeout > 0:
            raise ValueError(f"probe.together({name!r}, {n}) needs a timeout above 0, not {timeout!r}")
        self._name, self._n, self._timeout = name, n, timeout

    def wait(self) -> None:
        """Block this thread until all have come."""
        arrived = threading.Event()
        crowd = _join(self._name, self._n, arrived.set)
        try:
            if not arrived.wait(self._timeout):
                crowd.give_up(self._timeout)
        finally:
            crowd.leave(arrived.set)
        crowd.check()

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(arrived.set)
            except RuntimeError:
                pass  # that loop is closed: nobody waits there any more

        crowd = _join(self._name, self._n, wake)
        try:
            async with asyncio.timeout(self._timeout):
                await arrived.wait()
        except TimeoutError:
            crowd.give_up(self._timeout)
        finally:
            crowd.leave(wake)
        crowd.check()


_lock = threading.Lock()
_crowds: dict[str, _Crowd] = {}


class _Crowd:
    """Those who wait under one name for one moment."""

    def __init__(self, name: str, n: int) -> None:
        self.name, self.n = name, n
        self.wakers: list[Callable[[], None]] = []
        self.complete = False
        self.failure = ""

    def give_up(self, timeout: float) -> None:
        """The time is up; unless the last one comes just now, nobody need wait any longer."""
        with _lock:
            if self.complete or self.failure:
                return
            came = len(self.wakers)
            self.failure = (
                f"probe.together({self.name!r}, {self.n}): {came} of {self.n} came within {timeout:g} s"
            )
            self._disperse()

    def leave(self, waker: Callable[[], None]) -> None:
        """One of them stopped waiting."""
        with _lock:
            if waker in self.wakers:
                self.wakers.remove(waker)
            if not self.wakers and _crowds.get(self.name) is self:
                del _crowds[self.name]

    def check(self) -> None:
        """Raise what all of them are told."""
        if self.failure:
            raise NotTogether(self.failure)

    def arrive(self, waker: Callable[[], None]) -> None:
        """One more; the lock is held."""
        self.wakers.append(waker)
        if len(self.wakers) == self.n:
            self.complete = True
            self._disperse()

    def _disperse(self) -> None:
        _crowds.pop(self.name, None)
        for wake in self.wakers:
            wake()


def _join(name: str, n: int, waker: Callable[[], None]) -> _Crowd:
    with _lock:
        crowd = _crowds.get(name)
        if crowd is None:
            crowd = _crowds[name] = _Crowd(name, n)
        elif crowd.n != n:
            raise ValueError(f"probe.together({name!r}, {n}): others wait under this name for {crowd.n}")
        crowd.arrive(waker)
        return crowd
