"""The queue: jobs on disk that are handed out under leases, and completed once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from itdash import probe

from .checks import not_negative, positive, whole
from .errors import InvalidValue, LeaseLost, NotDead, UnknownJob
from .jobs import Job, JobState, Lease, encode
from .owners import is_alive

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from .database import Database

_COLUMNS: Final = """
    id, kind, payload, state, priority, attempts, max_attempts, owner, lease_until, leased_at, ended_at,
    result, error
"""
_MOST_ATTEMPTS: Final = 1_000
_MOST_LEASES: Final = 1_000
_LARGEST_PRIORITY: Final = 1_000
_LONGEST_NAME: Final = 200

_LET_GO: Final = """
    UPDATE job SET owner = NULL, lease_until = NULL, error = :why,
      state = CASE WHEN attempts < max_attempts THEN 'waiting' ELSE 'dead' END,
      ended_at = CASE WHEN attempts < max_attempts THEN NULL ELSE :now END
    WHERE state = 'leased' AND """


class Apply(Protocol):
    """What a job changes in the database, in the transaction in which it is completed."""

    def __call__(self, connection: sqlite3.Connection, result: Any, /) -> None: ...


@dataclass(slots=True)
class Completion:
    """A job that is done, and what it changes."""

    lease: Lease
    result: Any
    apply: Apply | None = None
    first: bool = False
    """Whether this completion was the one that counted; known afterwards."""


class JobQueue:
    """Everything it says it has done is on disk. Any number of processes may use one file."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # -- putting in and looking --

    def add(
        self, kind: str, payload: Any, *, priority: int = 0, attempts: int = 5, key: str | None = None
    ) -> int:
        """Add a job; its id. With a key, a job that was added under it before is found instead."""
        if key is not None:
            _named("key", key)
        return self._insert(kind, [payload], priority, attempts, key)[0]

    def add_all(
        self, kind: str, payloads: Iterable[Any], *, priority: int = 0, attempts: int = 5
    ) -> list[int]:
        """Add a job for each payload, or none at all."""
        return self._insert(kind, payloads, priority, attempts, None)

    def _insert(
        self, kind: str, payloads: Iterable[Any], priority: int, attempts: int, key: str | None
    ) -> list[int]:
        _named("kind", kind)
        whole("priority", priority, -_LARGEST_PRIORITY, _LARGEST_PRIORITY)
        whole("attempts", attempts, 1, _MOST_ATTEMPTS)
        texts = [encode(payload) for payload in payloads]
        statement = """
            INSERT INTO job (kind, payload, priority, max_attempts, key) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (key) WHERE key IS NOT NULL DO UPDATE SET key = key RETURNING id
        """
        with self._database.writing() as connection:
            return [
                connection.execute(statement, (kind, text, priority, attempts, key)).fetchone()[0]
                for text in texts
            ]

    def job(self, job_id: int) -> Job:
        with self._database.reading() as connection:
            return _job(connection, job_id)

    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state."""
        with self._database.reading() as connection:
            found = dict(connection.execute("SELECT state, count(*) FROM job GROUP BY state"))
        return {state: found.get(state, 0) for state in JobState}

    def dead_letters(self) -> list[Job]:
        """The jobs that were given up, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM job WHERE state = 'dead' ORDER BY id"
            ).fetchall()
        return [_read(row) for row in rows]

    def revive(self, job_id: int) -> None:
        """Give a job that was given up all its attempts again."""
        with self._database.writing() as connection:
            if _job(connection, job_id).state is not JobState.DEAD:
                raise NotDead(f"job {job_id} was not given up; there is nothing to revive")
            connection.execute(
                "UPDATE job SET state = 'waiting', attempts = 0, ended_at = NULL WHERE id = ?",
                (job_id,),
            )

    # -- leases --

    def lease(self, owner: str, seconds: float, limit: int = 1) -> list[Lease]:
        """Take the most urgent jobs, of equal ones the oldest, for so long."""
        _named("owner", owner)
        positive("seconds", seconds)
        whole("limit", limit, 1, _MOST_LEASES)
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute(
                f"{_LET_GO} lease_until <= :now",
                {"now": now, "why": "the lease ran out before the job was done"},
            )
            taken = connection.execute(
                """
                UPDATE job SET state = 'leased', owner = ?, fence = fence + 1, attempts = attempts + 1,
                  leased_at = ?, lease_until = ?
                WHERE id IN (SELECT id FROM job WHERE state = 'waiting' AND not_before <= ?
                             ORDER BY priority DESC, id LIMIT ?)
                RETURNING id, kind, payload, attempts, owner, fence, priority
                """,
                (owner, now, now + seconds, now, limit),
            ).fetchall()
        taken.sort(key=lambda row: (-row[6], row[0]))  # the rows of RETURNING come in any order
        return [Lease(row[0], row[1], json.loads(row[2]), *row[3:6]) for row in taken]

    def renew(self, owner: str, seconds: float) -> int:
        """Keep everything that this owner holds for so long from now on; how many jobs that is."""
        positive("seconds", seconds)
        with self._database.writing() as connection:
            renewed = connection.execute(
                "UPDATE job SET lease_until = ? WHERE state = 'leased' AND owner = ?",
                (self._clock() + seconds, owner),
            )
            return renewed.rowcount

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Hand back jobs that were not begun: that was no attempt."""
        with self._database.writing() as connection:
            for lease in leases:
                connection.execute(
                    """
                    UPDATE job SET state = 'waiting', owner = NULL, lease_until = NULL,
                      attempts = attempts - 1
                    WHERE id = ? AND state = 'leased' AND fence = ?
                    """,
                    (lease.id, lease.fence),
                )

    def reclaim(self, owner: str) -> int:
        """Take back what an owner held who is gone for certain; how many jobs that is.

        Each has used up an attempt: nobody can tell whether it was the job that brought its owner down.
        """
        with self._database.writing() as connection:
            taken = connection.execute(
                f"{_LET_GO} owner = :owner",
                {"now": self._clock(), "owner": owner, "why": "the process that worked on the job ended"},
            )
            return taken.rowcount

    def recover(self) -> int:
        """After a crash: take back what is held by processes that are no more."""
        with self._database.reading() as connection:
            owners = [
                row[0] for row in connection.execute("SELECT DISTINCT owner FROM job WHERE state = 'leased'")
            ]
        return sum(self.reclaim(owner) for owner in owners if not is_alive(owner))

    # -- ends --

    def complete(self, lease: Lease, result: Any, apply: Apply | None = None) -> bool:
        """Complete the job and apply what it changes, or neither; False if this lease has done so before."""
        completion = Completion(lease, result, apply)
        if (error := self.complete_all([completion]).get(lease)) is not None:
            raise error
        return completion.first

    def complete_all(self, completions: Sequence[Completion]) -> dict[Lease, Exception]:
        """Complete many jobs in one transaction. One that cannot be leaves its error and stops no other."""
        texts = [encode(completion.result) for completion in completions]
        errors: dict[Lease, Exception] = {}
        with self._database.writing() as connection:
            for completion, text in zip(completions, texts, strict=True):
                connection.execute("SAVEPOINT job")
                try:
                    self._complete(connection, completion, text)
                except Exception as error:
                    connection.execute("ROLLBACK TO job")
                    errors[completion.lease] = error
                connection.execute("RELEASE job")
        return errors

    def _complete(self, connection: sqlite3.Connection, completion: Completion, text: str) -> None:
        lease = completion.lease
        completed = connection.execute(
            """
            UPDATE job SET state = 'completed', result = ?, error = NULL, lease_until = NULL, ended_at = ?
            WHERE id = ? AND state = 'leased' AND fence = ?
            """,
            (text, self._clock(), lease.id, lease.fence),
        )
        completion.first = completed.rowcount == 1
        if completion.first and completion.apply is not None:
            completion.apply(connection, completion.result)
        if not completion.first:
            completed_before = _job(connection, lease.id).state is JobState.COMPLETED
            if not (completed_before and _holds(connection, lease)):
                raise _lost(lease)

    def fail(self, lease: Lease, error: str, *, pause: float | None = None) -> JobState:
        """Try again after the pause, or give the job up if there is no pause or no attempt left."""
        if pause is not None:
            not_negative("pause", pause)
        with self._database.writing() as connection:
            job = _job(connection, lease.id)
            if job.state is not JobState.LEASED or not _holds(connection, lease):
                raise _lost(lease)
            dead = pause is None or job.attempts >= job.max_attempts
            state = JobState.DEAD if dead else JobState.WAITING
            now = self._clock()
            connection.execute(
                """
                UPDATE job SET state = ?, owner = NULL, lease_until = NULL, error = ?, not_before = ?,
                  ended_at = ?
                WHERE id = ?
                """,
                (state, error, now + (pause or 0), now if dead else None, lease.id),
            )
        probe.count(f"jobs {state}")
        return state


def _holds(connection: sqlite3.Connection, lease: Lease) -> bool:
    found = connection.execute("SELECT 1 FROM job WHERE id = ? AND fence = ?", (lease.id, lease.fence))
    return found.fetchone() is not None


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"job {lease.id} is no longer held by {lease.owner}; its work is dropped")


def _job(connection: sqlite3.Connection, job_id: int) -> Job:
    row = connection.execute(f"SELECT {_COLUMNS} FROM job WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise UnknownJob(job_id)
    return _read(row)


def _read(row: tuple[Any, ...]) -> Job:
    job_id, kind, payload, state, *rest, result, error = row
    priority, attempts, max_attempts, owner, lease_until, leased_at, ended_at = rest
    return Job(
        *(job_id, kind, json.loads(payload), JobState(state), priority, attempts, max_attempts),
        *(owner, lease_until, leased_at, ended_at, result and json.loads(result), error),
    )


def _named(what: str, text: str) -> None:
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _LONGEST_NAME:
        raise InvalidValue(f"a {what} has 1 to {_LONGEST_NAME} printable characters, unlike {text!r:.80}")
