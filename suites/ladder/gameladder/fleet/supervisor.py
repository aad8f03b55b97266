"""The supervisor: forks workers, takes back what a dead one held, and forks another in its place."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..checks import positive, whole
from ..database import Database
from ..jobqueue import JobQueue
from ..orphans import end_with_parent
from ..worker import MOST_IN_A_BATCH, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..worker import Handler

_MOST_WORKERS: Final = 256
_IDLE_PAUSE: Final = 0.01
_STOP_TIMEOUT: Final = 5.0
_FAILURE_PAUSE: Final = 1.0
"""A worker that could not go on is not replaced at once: the next would hardly come further."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every worker of a fleet is told."""

    database: Path
    workers: int
    batch: int
    lease_seconds: float

    def __post_init__(self) -> None:
        whole("workers", self.workers, 1, _MOST_WORKERS)
        whole("batch", self.batch, 1, MOST_IN_A_BATCH)
        positive("lease", self.lease_seconds)


class Supervisor:
    """Speaks in lines of JSON on its standard output, and ends when its standard input does."""

    def __init__(self, settings: Settings, handlers: Mapping[str, Handler]) -> None:
        self._settings = settings
        self._handlers = handlers
        self._children: dict[int, int] = {}
        self._poll = select.poll()

    def run(self) -> None:
        """Keep the fleet at its size until there is nobody left to keep it for."""
        self._tell("recovered", jobs=self._recover())
        self._poll.register(sys.stdin.fileno(), select.POLLIN)
        for _ in range(self._settings.workers):
            self._fork()
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            if sys.stdin.fileno() in ready:
                break
            for descriptor in ready:
                if self._bury(descriptor) > 0:
                    time.sleep(_FAILURE_PAUSE)
                self._fork()
        self._stop()

    def _recover(self) -> int:
        with Database(self._settings.database) as database:
            return JobQueue(database).recover()

    def _fork(self) -> None:
        # There are no threads here and no connection is open: nothing half-done is copied.
        me = os.getpid()
        # Until the worker knows what to do with it, a word to stop would kill it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        if (pid := os.fork()) == 0:
            status = 1
            try:
                end_with_parent(me)
                self._work()
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)
        self._tell("started", pid=pid)

    def _work(self) -> None:
        told: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        with Database(self._settings.database) as database:
            worker = Worker(
                JobQueue(database),
                self._handlers,
                lease_seconds=self._settings.lease_seconds,
                batch=self._settings.batch,
            )
            while not told:
                if worker.run_once(lambda: bool(told)) == 0:
                    time.sleep(_IDLE_PAUSE)

    def _bury(self, descriptor: int) -> int:
        """Take leave of a worker that has ended, and take back what it held."""
        pid = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._tell("ended", pid=pid, code=code, reclaimed=self._recover())
        return code

    def _stop(self) -> None:
        self._poll.unregister(sys.stdin.fileno())
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT
        while self._children:
            left = deadline - time.monotonic()
            if left <= 0:
                self._signal_all(signal.SIGKILL)
            for descriptor, _ in self._poll.poll(max(left, 0.1) * 1000):
                self._bury(descriptor)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._children.values():
            os.kill(pid, number)  # a worker that has ended keeps its number until it is buried

    @staticmethod
    def _tell(event: str, **facts: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"event": event, **facts}), flush=True)
