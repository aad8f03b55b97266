"""A `ProcessPoolExecutor` with one worker, which can be killed without hurting any other."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from .orphans import end_with_owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")

_CONTEXT: Final = multiprocessing.get_context("forkserver")
"""A plain fork would copy the locks of this process's threads in whatever state they are."""


class Lane:
    """An executor breaks as a whole when one worker dies: so each worker has an executor of its own."""

    def __init__(self, executor: ProcessPoolExecutor, pid: int) -> None:
        self._executor = executor
        self.pid = pid
        self._process = os.pidfd_open(pid)  # unlike a number, it never comes to mean another process

    @classmethod
    async def open(cls) -> Self:
        """Start the worker and wait until it works."""
        executor = ProcessPoolExecutor(1, mp_context=_CONTEXT, initializer=end_with_owner)
        try:
            return cls(executor, await asyncio.wrap_future(executor.submit(os.getpid)))
        except BaseException:
            await asyncio.shield(asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True))
            raise

    def submit(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> Future[T]:
        return self._executor.submit(function, *arguments)

    def kill(self) -> None:
        """SIGKILL: the only thing that a worker hears whatever it is stuck in."""
        try:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself

    async def close(self) -> None:
        """Wait until process, threads and pipes are gone. A worker that is stuck must be killed before."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
        os.close(self._process)
