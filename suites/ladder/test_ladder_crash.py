"""Processes that hold the queue and are killed, frozen or stopped, and what is found afterwards."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gameladder.database import Database
from gameladder.fleet.handle import Fleet
from gameladder.jobqueue import JobQueue
from gameladder.jobs import JobState
from gameladder.leaderboard import CacheState
from gameladder.replays import handlers
from gameladder.worker import Worker
from ladder_support import HANG, has_ended, hold_jobs, play, unrecorded, until, until_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gameladder.jobs import Lease
    from gameladder.ladder import Ladder
    from gameladder.leaderboard import Leaderboard

HANDLERS = "ladder_support:handlers"


def crash_while_holding(path: Path, payloads: list[dict[str, Any]]) -> list[int]:
    """Let a process add these jobs and take up the first, then kill it; the ids of the jobs."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    holder = context.Process(target=hold_jobs, args=(path, payloads, theirs))
    holder.start()
    theirs.close()
    try:
        assert ours.poll(HANG), "the jobs are not added"
        jobs: list[int] = ours.recv()
    finally:
        holder.kill()
        holder.join()
        ours.close()
    assert holder.exitcode == -signal.SIGKILL
    holder.close()
    return jobs


@pytest.mark.requirement("LADDER-QUEUE-1", "LADDER-QUEUE-2", "LADDER-TESTS-5")
def test_job_survives_restart_and_is_processed(path: Path, ladder: Ladder, board: Leaderboard) -> None:
    (job,) = crash_while_holding(path, play(ladder))

    with Database(path) as database:
        queue = JobQueue(database)
        assert queue.job(job).state is JobState.LEASED  # by one who is no more
        assert queue.recover() == 1
        assert queue.job(job).state is JobState.WAITING

        assert Worker(queue, handlers()).run_once() == 1

        assert queue.job(job).state is JobState.COMPLETED
        assert queue.job(job).attempts == 2
    assert [(row.name, row.mmr, row.games) for row in board.rows()] == [("Ada", 1516, 1), ("Emmy", 1484, 1)]


@pytest.mark.requirement("LADDER-QUEUE-1", "LADDER-QUEUE-3", "LADDER-TESTS-5")
def test_multiple_jobs_survive_restart(path: Path, ladder: Ladder, board: Leaderboard) -> None:
    jobs = crash_while_holding(path, play(ladder, matches=3))

    with Database(path) as database:
        queue = JobQueue(database)
        queue.recover()
        assert [queue.job(job).state for job in jobs] == [JobState.WAITING] * 3

        assert Worker(queue, handlers(), batch=10).run_once() == 3

        assert [queue.job(job).state for job in jobs] == [JobState.COMPLETED] * 3
    assert [row.games for row in board.rows()] == [3, 3]


def gate_job(folder: Path, name: str) -> dict[str, str]:
    return {"began": str(folder / f"{name} began"), "gate": str(folder / "gate")}


def pid_in(job: dict[str, str]) -> int:
    """Which process has begun this job, once one has."""
    mark = Path(job["began"])
    until(lambda: mark.exists() and mark.read_text() != "", "the job begins")
    return int(mark.read_text())


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that is there and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.requirement("LADDER-QUEUE-4")
@pytest.mark.budget("worker.life", "count == 4", "peak == 4", "errors == 0")
def test_four_workers_work_at_once_and_stop_in_order(path: Path, queue: JobQueue, tmp_path: Path) -> None:
    jobs = [gate_job(tmp_path, f"{number}") for number in range(4)]
    queue.add_all("gate", [*jobs])
    with Fleet(path, workers=4, batch=1, handlers=HANDLERS) as fleet:
        workers = {pid_in(job) for job in jobs}
        fleet.until(lambda: set(fleet.pids) == workers, HANG)
        (tmp_path / "gate").touch()
    assert len(workers) == 4
    assert queue.counts()[JobState.COMPLETED] == 4  # what was begun is carried through before a worker goes
    assert fleet.pids == []
    assert all(has_ended(pid) for pid in workers)


@pytest.mark.budget("worker.life", "count == 16", "errors == 0")
def test_fleet_that_is_stopped_as_it_starts_stops_in_order(path: Path) -> None:
    with Fleet(path, workers=16) as fleet:
        fleet.until(lambda: fleet.pids != [], HANG)
    assert fleet.pids == []


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_lease_of_a_long_job_is_renewed(path: Path, queue: JobQueue, tmp_path: Path) -> None:
    job = gate_job(tmp_path, "long")
    number = queue.add("gate", job)
    with Fleet(path, workers=1, lease_seconds=0.4, handlers=HANDLERS):
        pid_in(job)
        for _ in range(3):  # again and again, not once
            before = queue.job(number).lease_until or 0.0
            until(lambda: (queue.job(number).lease_until or 0.0) > before, "the lease is renewed")  # noqa: B023
        with Database(path) as database:
            assert JobQueue(database, lambda: before).lease("somebody else", 1) == []
        (tmp_path / "gate").touch()
        until(lambda: queue.job(number).state is JobState.COMPLETED, "the job is done")
    assert queue.job(number).attempts == 1


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_frozen_worker_loses_its_job_and_its_work(path: Path, queue: JobQueue, tmp_path: Path) -> None:
    """A stopped process is alive to all who ask, so only its lease can tell."""
    job = gate_job(tmp_path, "slow")
    number = queue.add("gate", job)
    after = gate_job(tmp_path, "after")
    with Fleet(path, workers=1, lease_seconds=0.4, handlers=HANDLERS):
        frozen = pid_in(job)
        taken: list[Lease] = []

        def take() -> bool:
            taken.extend(queue.lease("a second", HANG))
            return bool(taken)

        with stopped(frozen):
            until(take, "the lease runs out")
            (tmp_path / "gate").touch()
            assert queue.complete(taken[0], "the second's work")
        queue.add("gate", after)
        assert pid_in(after) == frozen  # it is back, has dropped its work, and goes on
    assert queue.job(number).result == "the second's work"
    assert queue.counts()[JobState.COMPLETED] == 2


@pytest.mark.requirement("LADDER-QUEUE-4")
@pytest.mark.budget("worker.life", "count == 4", "errors == 3")
def test_job_that_kills_its_worker_ends_as_a_dead_letter(path: Path, ladder: Ladder, queue: JobQueue) -> None:
    deadly = queue.add("deadly", None, attempts=3, priority=1)
    queue.add_all("replay", play(ladder, matches=20))
    with Fleet(path, workers=1, batch=1, handlers=HANDLERS) as fleet:
        fleet.until(lambda: queue.counts()[JobState.COMPLETED] == 20, HANG)
    (letter,) = queue.dead_letters()
    assert (letter.id, letter.attempts) == (deadly, 3)
    assert letter.error == "the process that worked on the job ended"
    assert fleet.killed == 3


@pytest.mark.requirement("LADDER-QUEUE-1", "LADDER-QUEUE-2", "LADDER-QUEUE-3")
def test_fleet_that_is_killed_as_a_whole_is_followed_by_another(
    path: Path, queue: JobQueue, tmp_path: Path
) -> None:
    jobs = [gate_job(tmp_path, f"{number}") for number in range(5)]
    queue.add_all("gate", [*jobs])
    with Fleet(path, workers=2, batch=2, handlers=HANDLERS) as fleet:
        fleet.until(lambda: len(fleet.pids) == 2, HANG)
        held = {pid_in(jobs[0]), pid_in(jobs[2])}
        os.kill(fleet.supervisor, signal.SIGKILL)
        until_ended(held, "the workers end with their supervisor")
        fleet.kill()
    assert queue.counts()[JobState.LEASED] == 4
    (tmp_path / "gate").touch()
    with Fleet(path, workers=2, batch=2, handlers=HANDLERS) as fleet:
        fleet.until(lambda: queue.counts()[JobState.COMPLETED] == 5, HANG)
    assert fleet.recovered == 4


@pytest.mark.requirement("LADDER-CACHE-4", "LADDER-QUEUE-2")
def test_replay_that_another_process_applies_invalidates_the_board_here(
    path: Path, ladder: Ladder, board: Leaderboard, queue: JobQueue
) -> None:
    payloads = play(ladder)
    assert board.rows() == ()
    assert board.state() is CacheState.VALID
    with Fleet(path, workers=1) as fleet:
        queue.add_all("replay", payloads)
        fleet.until(lambda: board.state() is CacheState.INVALID, HANG)
    assert [row.mmr for row in board.rows()] == [1516, 1484]


ORPHAN_MAKER = """
import sys
from pathlib import Path
from gameladder.fleet.handle import Fleet

fleet = Fleet(Path(sys.argv[1]), workers=2).__enter__()
fleet.until(lambda: len(fleet.pids) == 2, 20)
print(fleet.supervisor, *fleet.pids, flush=True)
sys.stdin.read()
"""


def test_fleet_ends_when_the_process_that_holds_it_is_killed(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", ORPHAN_MAKER, str(path)],
        cwd=Path(__file__).parent,
        env=unrecorded(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        holder.kill()
    assert len(pids) == 3
    until_ended(pids, "the fleet ends with its holder")
