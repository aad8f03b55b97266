"""The queue by itself: order, leases, ends, retries and dead letters, by a clock that the tests set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from gameladder.errors import BadReplay, LeaseLost
from gameladder.jobqueue import JobQueue
from gameladder.jobs import JobState
from gameladder.owners import new_owner
from gameladder.worker import Worker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from gameladder.database import Database
    from ladder_support import ManualClock


@pytest.fixture
def queue(database: Database, clock: ManualClock) -> JobQueue:
    """A queue in a time that stands still."""
    return JobQueue(database, clock)


class Tally:
    """A handler that works as it is told and writes down, in the database, what it has applied."""

    def __init__(self, database: Database, work: Callable[[Any], Any] = lambda payload: payload) -> None:
        self.work = work
        with database.writing() as connection:
            connection.execute("CREATE TABLE applied (what TEXT)")
        self._database = database

    def apply(self, connection: sqlite3.Connection, result: Any) -> None:
        connection.execute("INSERT INTO applied VALUES (?)", (str(result),))
        if result == "refused":
            raise ValueError("this result cannot be written")

    @property
    def applied(self) -> list[str]:
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute("SELECT what FROM applied")]


def fail(error: Exception) -> Callable[[Any], Any]:
    def work(_: Any) -> Any:
        raise error

    return work


def test_urgent_jobs_come_first_and_equal_ones_in_order(queue: JobQueue) -> None:
    for name, priority in (("a", 0), ("b", 5), ("c", -5), ("d", 5), ("e", 0)):
        queue.add("any", name, priority=priority)
    first = queue.lease("me", 10, limit=3)
    rest = queue.lease("me", 10, limit=4)
    assert [lease.payload for lease in first + rest] == ["b", "d", "a", "e", "c"]


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_leased_job_is_nobody_elses_until_the_lease_is_over(queue: JobQueue, clock: ManualClock) -> None:
    job = queue.add("any", 1)
    queue.lease("one", 10)
    clock.now += 9.9
    assert queue.lease("other", 10) == []
    clock.now += 0.1
    assert [(lease.id, lease.attempt) for lease in queue.lease("other", 10)] == [(job, 2)]


@pytest.mark.requirement("LADDER-QUEUE-1", "LADDER-QUEUE-4")
@pytest.mark.parametrize(
    ("owner", "taken_back"),
    [
        (new_owner(), 0),
        (f"{os.getpid()}.1.1", 1),  # the number of this process, when another one had it
        ("me", 0),
        ("a.b.c", 0),
        ("7", 0),
    ],
    ids=["alive", "gone, its number taken", "a name", "a name with dots", "a number"],
)
def test_recovery_takes_from_those_who_are_gone_for_certain(
    queue: JobQueue, clock: ManualClock, owner: str, taken_back: int
) -> None:
    job = queue.add("any", 1)
    queue.lease(owner, 10)
    assert queue.recover() == taken_back
    clock.now += 10
    assert [lease.id for lease in queue.lease("other", 10)] == [job]


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_lease_that_is_renewed_goes_on(queue: JobQueue, clock: ManualClock) -> None:
    queue.add_all("any", [1, 2])
    queue.lease("one", 10, limit=2)
    clock.now += 9
    assert queue.renew("one", 10) == 2
    clock.now += 9
    assert queue.lease("other", 10) == []
    assert queue.renew("other", 10) == 0


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_work_under_a_lost_lease_is_dropped(queue: JobQueue, clock: ManualClock, database: Database) -> None:
    tally = Tally(database)
    job = queue.add("any", 1)
    (late,) = queue.lease("late", 10)
    clock.now += 10
    (other,) = queue.lease("other", 10)

    with pytest.raises(LeaseLost, match=f"job {job} is no longer held by late"):
        queue.complete(late, "late", tally.apply)
    with pytest.raises(LeaseLost):
        queue.fail(late, "too late to fail", pause=1)
    queue.give_back([late])
    assert queue.complete(other, "other", tally.apply)
    with pytest.raises(LeaseLost):
        queue.complete(late, "late", tally.apply)

    assert tally.applied == ["other"]
    assert queue.job(job).result == "other"


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_completion_counts_once(queue: JobQueue, database: Database) -> None:
    tally = Tally(database)
    job = queue.add("any", 1)
    (lease,) = queue.lease("me", 10)
    assert queue.complete(lease, "first", tally.apply) is True
    assert queue.complete(lease, "second", tally.apply) is False
    assert tally.applied == ["first"]
    assert queue.job(job).result == "first"
    assert queue.lease("me", 10) == []


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_same_owner_with_a_newer_lease_is_another(queue: JobQueue) -> None:
    job = queue.add("any", 1)
    (old,) = queue.lease("me", 10)
    queue.give_back([old])
    (new,) = queue.lease("me", 10)
    assert (old.attempt, new.attempt) == (1, 1)  # handing it back was no attempt
    with pytest.raises(LeaseLost):
        queue.complete(old, "old")
    assert queue.complete(new, "new")
    assert queue.job(job).result == "new"


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_job_under_a_key_is_added_once(queue: JobQueue) -> None:
    job = queue.add("any", "first", key="replay 7")
    assert queue.add("any", "again", key="replay 7") == job
    (lease,) = queue.lease("me", 10, limit=5)
    queue.complete(lease, None)
    assert queue.add("any", "later", key="replay 7") == job
    assert queue.job(job).payload == "first"
    assert queue.add("any", "first", key="replay 8") != job


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_failing_job_is_tried_again_and_then_kept_as_a_dead_letter(
    queue: JobQueue, clock: ManualClock, database: Database
) -> None:
    worker = Worker(queue, {"any": Tally(database, fail(OSError("the disk of the replays is away")))})
    job = queue.add("any", {"match": 7}, attempts=3)
    for pause in (1, 2):
        assert worker.run_once() == 1
        clock.now += pause - 0.01
        assert worker.run_once() == 0
        clock.now += 0.01
    assert worker.run_once() == 1

    (letter,) = queue.dead_letters()
    assert (letter.id, letter.payload, letter.attempts) == (job, {"match": 7}, 3)
    assert letter.error == "OSError: the disk of the replays is away"
    clock.now += 1_000_000
    assert worker.run_once() == 0
    assert queue.counts()[JobState.DEAD] == 1


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_dead_letter_can_be_revived(queue: JobQueue, database: Database) -> None:
    job = queue.add("any", 1, attempts=1)
    tally = Tally(database)
    (lease,) = queue.lease("me", 10)
    assert queue.fail(lease, "no luck", pause=0) is JobState.DEAD
    queue.revive(job)
    assert queue.dead_letters() == []
    assert Worker(queue, {"any": tally}).run_once() == 1
    assert tally.applied == ["1"]
    assert queue.job(job).error is None


def test_error_that_would_come_again_is_not_tried_again(queue: JobQueue, database: Database) -> None:
    worker = Worker(queue, {"any": Tally(database, fail(BadReplay("torn in half")))})
    queue.add("any", 1)
    queue.add("unheard of", 1)
    assert [worker.run_once() for _ in range(3)] == [1, 1, 0]
    errors = [letter.error for letter in queue.dead_letters()]
    assert errors == [
        "BadReplay: torn in half",
        "InvalidValue: nobody here knows what to do with a job of kind 'unheard of'",
    ]


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_lease_that_runs_out_uses_up_the_last_attempt(queue: JobQueue, clock: ManualClock) -> None:
    queue.add("any", 1, attempts=2)
    for _ in range(2):
        assert len(queue.lease("me", 10)) == 1
        clock.now += 10
    assert queue.lease("me", 10) == []
    (letter,) = queue.dead_letters()
    assert letter.error == "the lease ran out before the job was done"


@pytest.mark.requirement("LADDER-QUEUE-3", "LADDER-QUEUE-4")
def test_one_job_that_cannot_be_applied_stops_no_other_of_its_batch(
    queue: JobQueue, database: Database
) -> None:
    tally = Tally(database)
    _, bad, unwritable, _ = queue.add_all("any", ["one", "refused", "a set", "four"])
    tally.work = lambda payload: {1, 2} if payload == "a set" else payload
    assert Worker(queue, {"any": tally}, batch=4).run_once() == 4
    assert tally.applied == ["one", "four"]
    assert queue.counts() == {
        JobState.WAITING: 1,
        JobState.LEASED: 0,
        JobState.COMPLETED: 2,
        JobState.DEAD: 1,
    }
    assert queue.job(bad).error == "ValueError: this result cannot be written"
    assert str(queue.job(unwritable).error).startswith("BadPayload: ")


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_jobs_not_begun_go_back_when_the_worker_is_told_to_stop(queue: JobQueue, database: Database) -> None:
    tally = Tally(database)
    jobs = queue.add_all("any", [1, 2, 3])
    worker = Worker(queue, {"any": tally}, batch=3)
    assert worker.run_once(lambda: True) == 3
    assert tally.applied == []
    assert [(queue.job(job).state, queue.job(job).attempts) for job in jobs] == [(JobState.WAITING, 0)] * 3
    worker.run_once()
    assert tally.applied == ["1", "2", "3"]
