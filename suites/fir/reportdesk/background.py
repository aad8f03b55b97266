"""Reports made in the background: a task is accepted at once, and its state can be asked for."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from typing import TYPE_CHECKING, Literal

import msgspec

from .errors import QueueFull, ReportDeskError, UnknownTask
from .records import Served, Source  # noqa: TC001 - msgspec looks the types up

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .metrics import Metrics
    from .settings import TaskSettings

_log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed"]


class Task(msgspec.Struct):
    """One report to be made."""

    id: str
    case: str
    state: State = "queued"
    source: Source | None = None
    error: str | None = None


class Background:
    """A queue with an end, and workers that take from it."""

    def __init__(
        self, work: Callable[[str], Awaitable[Served]], settings: TaskSettings, metrics: Metrics
    ) -> None:
        self._work = work
        self._metrics = metrics
        self._kept = settings.kept
        self._tasks: dict[str, Task] = {}
        self._ended: deque[str] = deque()
        self._queue: asyncio.Queue[Task] = asyncio.Queue(settings.capacity)
        self._workers = [
            asyncio.create_task(self._serve(), name=f"background worker {number}")
            for number in range(settings.workers)
        ]

    def enqueue(self, case_id: str) -> Task:
        """Accept a task, without waiting for anything."""
        task = Task(uuid.uuid4().hex, case_id)
        try:
            self._queue.put_nowait(task)
        except asyncio.QueueFull:
            raise QueueFull(f"{self._queue.qsize()} tasks wait already", retry_after=1.0) from None
        self._tasks[task.id] = task
        return task

    def find(self, task_id: str) -> Task:
        try:
            return self._tasks[task_id]
        except KeyError:
            raise UnknownTask(f"there is no task {task_id!r}, or it was forgotten") from None

    async def close(self, grace: float) -> None:
        """Let the workers end what they have and what waits, but no longer than this."""
        try:
            async with asyncio.timeout(grace):
                await self._queue.join()
        except TimeoutError:
            left = sum(task.state in ("queued", "running") for task in self._tasks.values())
            _log.warning("%d tasks were given up", left)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            task = await self._queue.get()
            try:
                await self._carry_out(task)
            finally:
                self._queue.task_done()

    async def _carry_out(self, task: Task) -> None:
        task.state = "running"
        try:
            with self._metrics.operation("task"):
                served = await self._work(task.case)
        except ReportDeskError as error:
            task.state, task.error = "failed", str(error)
            _log.warning("the task %s failed: %s", task.id, error)
        except Exception as error:
            task.state, task.error = "failed", "an error of the service itself; its log has more"
            _log.error("the task %s failed", task.id, exc_info=error)
        else:
            task.state, task.source = "done", served.source
        self._remember(task)

    def _remember(self, task: Task) -> None:
        self._ended.append(task.id)
        if len(self._ended) > self._kept:
            del self._tasks[self._ended.popleft()]
