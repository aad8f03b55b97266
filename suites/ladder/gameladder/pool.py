"""A process pool in which no job waits for ever: a timeout, a fallback, a fresh worker for a stuck one."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from itdash import probe

from .checks import positive, whole
from .errors import FallbackTimedOut, NotSendable, PoolClosed, WorkerCrashed
from .lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a job gave, and whether it took the fallback to get it."""

    value: T
    was_timeout: bool


class GuardedPool:
    """So many workers, each a process. Use it as `async with`: leaving it leaves no process behind."""

    def __init__(self, workers: int = 2) -> None:
        self._size = whole("workers", workers, 1, _MOST_WORKERS)
        self._idle: asyncio.Queue[Lane | None] = asyncio.Queue()
        self._busy: set[Lane] = set()
        self._fallbacks = asyncio.Semaphore(workers)
        self._renewals: set[asyncio.Task[None]] = set()
        self._running = 0
        self._quiet = asyncio.Event()
        self._closed = False
        self.replaced = 0

    async def __aenter__(self) -> Self:
        try:
            for _ in range(self._size):
                self._idle.put_nowait(await Lane.open())
        except BaseException:
            await self.close()  # those that were opened before
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(
        self,
        function: Callable[..., T],
        *arguments: Any,
        timeout: float,
        fallback: Callable[..., T] | None = None,
        fallback_timeout: float | None = None,
    ) -> Outcome[T]:
        """Run the function in a worker; after the timeout kill that worker and run the fallback instead.

        The fallback gets the same arguments, and a process of its own, so it takes no worker from others. It
        is the function itself unless told: a job that is only slow is then carried through, and gets as long
        as `fallback_timeout` says, or as it needs. An exception of the function goes to the caller.
        """
        positive("timeout", timeout)
        if fallback_timeout is not None:
            positive("fallback_timeout", fallback_timeout)
        _check_sendable(function, fallback, arguments)
        self._running += 1
        running = function
        try:
            try:
                return Outcome(await self._first(function, arguments, timeout), was_timeout=False)
            except _TookTooLong:
                running = fallback or function
                value = await self._second(running, arguments, fallback_timeout)
                return Outcome(value, was_timeout=True)
        except BrokenProcessPool as error:
            if self._closed:
                raise PoolClosed(f"the pool was closed while it ran {_name(running)}") from error
            raise WorkerCrashed(f"the worker that ran {_name(running)} ended in the middle of it") from error
        finally:
            self._running -= 1
            self._quiet.set()

    async def close(self) -> None:
        """Kill what still runs, end what is idle, and wait for both. A second call finds nothing to do."""
        self._closed = True
        for lane in self._busy:
            lane.kill()
        self._idle.put_nowait(None)  # wakes whoever waits for a worker
        while self._running:
            self._quiet.clear()
            await self._quiet.wait()
        while self._renewals:
            await asyncio.wait(self._renewals)
        while not self._idle.empty():
            if (lane_or_end := self._idle.get_nowait()) is not None:
                await lane_or_end.close()

    @property
    def pids(self) -> frozenset[int]:
        """The processes that run a job now."""
        return frozenset(lane.pid for lane in self._busy)

    async def _first(self, function: Callable[..., T], arguments: tuple[Any, ...], limit: float) -> T:
        lane = await self._take()
        self._busy.add(lane)
        try:
            with probe.operation("pool.attempt"):
                value = await _result(lane, function, arguments, limit)
        except (_TookTooLong, BrokenProcessPool, asyncio.CancelledError):
            lane.kill()
            renewal = asyncio.create_task(self._renew(lane))
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewals.discard)
            raise
        except BaseException:
            self._idle.put_nowait(lane)
            raise
        finally:
            self._busy.discard(lane)
        self._idle.put_nowait(lane)
        return value

    async def _take(self) -> Lane:
        lane = None if self._closed else await self._idle.get()
        if lane is None or self._closed:  # closed, perhaps, between the waking and the taking
            self._idle.put_nowait(lane)  # for the next one who waits, or for the end
            raise PoolClosed("the pool is closed; open another")
        return lane

    async def _renew(self, lane: Lane) -> None:
        await lane.close()
        if not self._closed:
            self._idle.put_nowait(await Lane.open())
            self.replaced += 1

    async def _second(self, function: Callable[..., T], arguments: tuple[Any, ...], limit: float | None) -> T:
        async with self._fallbacks:
            lane = await Lane.open()
            self._busy.add(lane)
            try:
                if self._closed:
                    raise PoolClosed("the pool was closed before the fallback could run")
                with probe.operation("pool.fallback"):
                    return await _result(lane, function, arguments, limit)
            except _TookTooLong as error:
                raise FallbackTimedOut(
                    f"{_name(function)} as a fallback took more than {limit:g} s"
                ) from error
            finally:
                self._busy.discard(lane)
                lane.kill()
                await asyncio.shield(lane.close())


class _TookTooLong(Exception):
    """No `TimeoutError`, for that may be what a job itself has raised."""


async def _result(
    lane: Lane, function: Callable[..., T], arguments: tuple[Any, ...], limit: float | None
) -> T:
    future = asyncio.wrap_future(lane.submit(function, arguments))
    try:
        done, _ = await asyncio.wait({future}, timeout=limit)
    finally:
        future.cancel()  # of no effect on one that is done
    if not done:
        raise _TookTooLong
    return future.result()


def _check_sendable(*parts: object) -> None:
    try:
        pickle.dumps(parts)
    except Exception as error:
        raise NotSendable(f"functions and arguments of a job must be picklable: {error}") from error


def _name(function: object) -> str:
    return getattr(function, "__qualname__", repr(function))
