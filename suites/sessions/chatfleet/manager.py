"""The manager of a fleet: sessions, scrapes under one limit, monitors beside them, an orderly end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from itdash import probe

from .errors import (
    AlreadyMonitoring,
    ChatFleetError,
    DuplicateSession,
    Interrupted,
    NotMonitoring,
    TransientError,
    UnknownSession,
)
from .limit import Limit
from .metrics import Metrics, ShutdownReport, Status
from .monitor import Handler, Monitor
from .retry import RetryPolicy
from .session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping

    from .client import Address
    from .protocol import Message

T = TypeVar("T")

_log = logging.getLogger(__name__)


class SessionManager:
    """Holds the sessions. Use it as `async with`: leaving it is an orderly shutdown."""

    def __init__(
        self,
        address: Address,
        *,
        scrape_limit: int = 5,
        retry: RetryPolicy | None = None,
        request_timeout: float = 10.0,
        heartbeat: float = 30.0,
    ) -> None:
        self._address = address
        self._limit = Limit(scrape_limit)
        self._retry = retry or RetryPolicy()
        self._endless_retry = replace(self._retry, attempts=None, patience=float("inf"))
        self._request_timeout = request_timeout
        self._heartbeat = heartbeat
        self._metrics = Metrics()
        self._sessions: dict[str, Session] = {}
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._closing = False
        self._ended = False
        self._ending = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()

    def add(self, account: str) -> None:
        """Manage this account; it connects when it has something to do."""
        self._require_open()
        if account in self._sessions:
            raise DuplicateSession(f"{account!r} is managed already")
        self._sessions[account] = Session(account, self._address, self._request_timeout)

    async def remove(self, account: str, timeout: float = 10.0) -> ShutdownReport:
        """End what the account is doing and forget it; the others do not notice."""
        session = self._session(account)
        del self._sessions[account]
        try:
            return await _end([task for task, owner in self._tasks.items() if owner == account], timeout)
        finally:  # also where the caller gives up waiting
            await session.close()

    async def start_monitoring(
        self, account: str, channels: Mapping[str, int | None], handler: Handler
    ) -> None:
        """Hand each message of these channels to the handler, from a position on or (None) from now on.

        Returns when the server has granted the subscription. Takes neither the session's lock nor a slot
        of the scrape limit, so no scrape can delay it.
        """
        session = self._session(account)
        if not channels:
            raise ValueError("no channel to monitor")
        if session.monitor is not None:
            raise AlreadyMonitoring(f"{account!r} has a monitor already")
        monitor = session.monitor = Monitor(session, channels, handler, self._heartbeat)
        session.failure = None
        try:
            await self._run(account, self._start(monitor), f"start the monitor of {account}")
            self._require_open()
        except BaseException:
            session.monitor = None
            raise
        monitor.task = self._spawn(account, self._follow(session, monitor), f"monitor of {account}")
        # Not in the task itself: one that is cancelled before its first step runs no `finally`.
        monitor.task.add_done_callback(session.monitor_is_over)

    async def stop_monitoring(self, account: str, timeout: float = 10.0) -> dict[str, int | None]:
        """End the monitor and tell its positions: whoever starts the next one from them misses nothing."""
        session = self._session(account)
        monitor = session.monitor
        if monitor is None or monitor.task is None:
            raise NotMonitoring(f"{account!r} has no running monitor")
        if (await _end([monitor.task], timeout)).stuck:
            raise TimeoutError(f"the monitor of {account!r} did not end within {timeout:g} s")
        await session.unsubscribe()
        return monitor.positions

    async def monitor_ended(self, account: str) -> str | None:
        """Wait until this session has no running monitor; why the last one gave up, if it did."""
        session = self._session(account)
        if session.monitor is not None and session.monitor.task is not None:
            await asyncio.wait([session.monitor.task])
        return session.failure

    async def scrape(self, channel: str, *, account: str | None = None, limit: int = 100) -> list[Message]:
        """The newest messages of a channel, through this account or the one with the least to do."""
        self._require_open()
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        session = self._least_loaded() if account is None else self._session(account)
        with _loaded(session):
            work = self._scrape(session, channel, limit)
            return await self._run(session.account, work, f"scrape {channel} through {session.account}")

    def status(self) -> Status:
        """What is held and under way at this moment."""
        sessions = self._sessions
        return Status(
            sessions=frozenset(sessions),
            monitoring=frozenset(name for name, s in sessions.items() if s.monitor and s.monitor.task),
            locked=frozenset(name for name, s in sessions.items() if s.lock.locked()),
            load={name: s.load for name, s in sessions.items()},
            failures={name: s.failure for name, s in sessions.items() if s.failure},
            tasks=len(self._tasks),
            scrapes_active=self._limit.active,
            scrapes_waiting=self._limit.waiting,
            retries=self._metrics.retries,
            operations=self._metrics.snapshot(),
        )

    async def shutdown(self, timeout: float = 10.0) -> ShutdownReport:
        """Cancel everything, wait so long for it to end, close the connections and forget all.

        Whoever waits for a scrape gets `Interrupted`. A second call finds nothing left to do.
        """
        if timeout < 0:
            raise ValueError(f"timeout must not be negative, but is {timeout}")
        if asyncio.current_task() in self._tasks:
            raise RuntimeError("a shutdown from inside a handler would wait for itself")
        self._closing = True
        async with self._ending:
            if self._ended:
                return ShutdownReport()
            async with probe.operation("shutdown"):
                try:
                    return await _end(list(self._tasks), timeout)
                finally:  # also where the caller gives up waiting
                    await asyncio.gather(*(session.close() for session in self._sessions.values()))
                    self._sessions.clear()
                    self._tasks.clear()
                    self._metrics.reset()
                    self._ended = True

    async def _scrape(self, session: Session, channel: str, limit: int) -> list[Message]:
        async def attempt() -> list[Message]:
            async with self._limit.slot(), self._operation("scrape"):
                return await session.history(channel, limit)

        # The lock is taken before a slot: waiting for a busy session must not use up what others could have.
        # The slot is taken for each attempt: nobody holds one while he only waits to try again.
        async with session.lock:
            return await self._retry.run(attempt, self._note_retry)

    async def _start(self, monitor: Monitor) -> None:
        async with self._operation("monitor.start"):
            await self._retry.run(monitor.subscribe, self._note_retry)

    async def _follow(self, session: Session, monitor: Monitor) -> None:
        try:
            while True:
                try:
                    await monitor.follow()
                except TransientError as error:
                    _log.info("the monitor of %s resumes: %s", session.account, error)
                session.require_open()
                async with self._operation("monitor.resume"):
                    await self._endless_retry.run(monitor.subscribe, self._note_retry)
        except ChatFleetError as error:
            session.failure = str(error)
            _log.warning("the monitor of %s gave up: %s", session.account, error)

    @asynccontextmanager
    async def _operation(self, name: str) -> AsyncIterator[None]:
        async with probe.operation(name):
            with self._metrics.track(name):
                yield

    def _note_retry(self, error: TransientError) -> None:
        self._metrics.retries += 1
        _log.info("trying again: %s", error)

    def _require_open(self) -> None:
        if self._closing:
            raise Interrupted("the manager is shut down")

    def _session(self, account: str) -> Session:
        self._require_open()
        try:
            return self._sessions[account]
        except KeyError:
            raise UnknownSession(f"no session of {account!r} is managed here") from None

    def _least_loaded(self) -> Session:
        if not self._sessions:
            raise UnknownSession("no session is managed here")
        return min(self._sessions.values(), key=lambda session: session.load)

    def _spawn(self, account: str, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = account
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    async def _run(self, account: str, work: Coroutine[Any, Any, T], name: str) -> T:
        """Do the work in a task that a shutdown can find and end without ending the caller."""
        task = self._spawn(account, work, name)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise Interrupted(f"ended by the manager: {name}") from None


@contextmanager
def _loaded(session: Session) -> Iterator[None]:
    session.load += 1
    try:
        yield
    finally:
        session.load -= 1


async def _end(tasks: list[asyncio.Task[Any]], timeout: float) -> ShutdownReport:
    """Cancel these tasks and wait for them, but no longer than this."""
    if not tasks:
        return ShutdownReport()
    for task in tasks:
        task.cancel()
    ended, stuck = await asyncio.wait(tasks, timeout=timeout)
    return ShutdownReport(len(ended), tuple(sorted(task.get_name() for task in stuck)))
