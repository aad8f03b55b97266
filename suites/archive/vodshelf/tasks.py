"""The queue of tasks: the database is its book, Redis the bell that wakes a worker.

A bell that is lost is rung again by whoever sweeps; one that rings twice finds the task taken already.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import msgspec

from .errors import Conflict, LeaseLost, NotFound, StoreError
from .records import Task

if TYPE_CHECKING:
    from .database import Database, Transaction
    from .settings import TaskSettings
    from .store import Store

_TASK = "id, vod_id, status, attempts, error, worker"


class Claim(msgspec.Struct, frozen=True):
    """A task in the hands of one worker, for one attempt."""

    task: str
    vod: str
    attempt: int
    worker: str


class TaskQueue:
    """Tasks, each carried out until it succeeds or has failed often enough."""

    def __init__(self, database: Database, store: Store, settings: TaskSettings) -> None:
        self._database = database
        self._store = store
        self._settings = settings

    async def enter(self, transaction: Transaction, vod_id: str) -> Task:
        """Write down a new task; it is real once the transaction is."""
        task = Task(uuid.uuid4().hex, vod_id, "pending", 0, None, None)
        now = time.time()
        await transaction.run(
            "INSERT INTO tasks VALUES (?1, ?2, 'pending', 0, NULL, NULL, ?3, ?3, 0)", task.id, vod_id, now
        )
        return task

    async def ring(self, *task_ids: str) -> None:
        """Tell workers; without Redis the next sweep does it."""
        if not task_ids:
            return
        bells = {task_id: time.time() for task_id in task_ids}
        try:
            await self._store.call("queue.ring", lambda redis: redis.zadd(self._key, bells, nx=True))
        except StoreError:
            pass

    async def wait(self, seconds: float) -> str | None:
        """The task that waits longest, or None: none came, or StoreError."""
        answer = await self._store.call("queue.wait", lambda redis: redis.bzpopmin(self._key, seconds))
        return None if answer is None else str(answer[1])

    async def claim(self, task_id: str, worker: str) -> Claim | None:
        """Take the task, unless it is taken, ended or not due yet."""
        now = time.time()
        async with self._database.transaction() as transaction:
            rows = await transaction.run(
                "UPDATE tasks SET status = 'processing', attempts = attempts + 1, worker = ?2,"
                " lease_until = ?3 WHERE id = ?1 AND status = 'pending' AND not_before <= ?4"
                " RETURNING vod_id, attempts",
                *(task_id, worker, now + self._settings.lease, now),
            )
        return Claim(task_id, str(rows[0][0]), int(str(rows[0][1])), worker) if rows else None

    async def renew(self, claim: Claim) -> None:
        """Keep the task for another lease, or LeaseLost."""
        async with self._database.transaction() as transaction:
            await self._mine(transaction, claim, "lease_until = ?4", time.time() + self._settings.lease)

    async def complete(self, transaction: Transaction, claim: Claim) -> None:
        """End the task in the transaction of what it has changed, or LeaseLost and nothing has changed."""
        await self._mine(transaction, claim, "status = 'completed', error = NULL, worker = ?4", claim.worker)

    async def put_back(self, claim: Claim, error: str) -> bool:
        """After an attempt that failed: wait for the next one. False if there was none left."""
        if claim.attempt >= self._settings.attempts:
            return False
        due = time.time() + self._settings.pause * 2 ** (claim.attempt - 1)
        async with self._database.transaction() as transaction:
            await self._mine(
                transaction, claim, "status = 'pending', not_before = ?4, error = ?5", due, error
            )
        return True

    async def give_up(self, transaction: Transaction, claim: Claim, error: str) -> None:
        await self._mine(transaction, claim, "status = 'failed', error = ?4", error)

    async def retry(self, transaction: Transaction, task_id: str) -> None:
        """Begin anew with a task that has failed, or Conflict."""
        rows = await transaction.run(
            "UPDATE tasks SET status = 'pending', attempts = 0, not_before = 0, error = NULL"
            " WHERE id = ?1 AND status = 'failed' RETURNING id",
            task_id,
        )
        if not rows:
            raise Conflict("only a task that has failed can be tried again")

    async def due(self) -> list[str]:
        """Tasks that wait and may be begun."""
        rows = await self._database.read(
            "SELECT id FROM tasks WHERE status = 'pending' AND not_before <= ?1 ORDER BY created", time.time()
        )
        return [str(task_id) for (task_id,) in rows]

    async def abandoned(self) -> list[Claim]:
        """Tasks whose workers have let their leases run out."""
        rows = await self._database.read(
            "SELECT id, vod_id, attempts, worker FROM tasks WHERE status = 'processing' AND lease_until < ?1",
            time.time(),
        )
        return [msgspec.convert(list(row), _Abandoned).claim() for row in rows]

    async def get(self, task_id: str) -> Task:
        rows = await self._database.read(f"SELECT {_TASK} FROM tasks WHERE id = ?1", task_id)
        if not rows:
            raise NotFound(f"there is no task {task_id!r}")
        return msgspec.convert(dict(zip(Task.__struct_fields__, rows[0], strict=True)), Task)

    async def counts(self) -> dict[str, int]:
        rows = await self._database.read("SELECT status, count(*) FROM tasks GROUP BY status")
        return {str(status): int(str(count)) for status, count in rows}

    async def _mine(self, transaction: Transaction, claim: Claim, change: str, *values: str | float) -> None:
        # The number of the attempt is a fence: who was given up and comes back finds another one.
        rows = await transaction.run(
            f"UPDATE tasks SET {change} WHERE id = ?1 AND worker = ?2 AND attempts = ?3"
            " AND status = 'processing' RETURNING id",
            *(claim.task, claim.worker, claim.attempt, *values),
        )
        if not rows:
            raise LeaseLost(f"the task {claim.task} is not {claim.worker}'s any more")

    @property
    def _key(self) -> str:
        return self._store.key("queue")


class _Abandoned(msgspec.Struct, array_like=True):
    task: str
    vod: str
    attempts: int
    worker: str

    def claim(self) -> Claim:
        return Claim(self.task, self.vod, self.attempts, self.worker)
