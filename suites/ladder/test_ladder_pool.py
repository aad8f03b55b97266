"""The guarded pool: jobs that are quick, slow, stuck, deadly or given up, in real processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from gameladder.errors import FallbackTimedOut, PoolClosed, WorkerCrashed
from gameladder.lane import Lane
from gameladder.pool import GuardedPool, Outcome
from ladder_support import (
    HANG,
    add,
    die,
    die_after,
    is_gone,
    pid_after,
    raise_timeout,
    spin,
    took_over,
    unrecorded,
    until,
    until_ended,
    wait_at_gate,
)

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def until_there(mark: Path) -> None:
    """Wait, and let others run, until a job has left its mark."""
    async with asyncio.timeout(HANG):
        while not mark.exists() or not mark.read_text():
            await asyncio.sleep(0.002)


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-1", "LADDER-POOL-2", "LADDER-TESTS-5")
@pytest.mark.budget("pool.attempt", "count == 1", "min >= 1s", "max < 1.2s")
@pytest.mark.budget("pool.fallback", "count == 1", "min >= 2.5s", "errors == 0")
@pytest.mark.budget("pool.job", "max < 3.8s")
async def test_stuck_job_triggers_timeout_and_fallback(pool: GuardedPool) -> None:
    with probe.operation("pool.job"):
        outcome = await pool.run(pid_after, 2.5, timeout=1.0)

    assert outcome.was_timeout
    assert outcome.value != os.getpid()  # the job was carried through, and not in this process
    assert pool.pids == set()


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-3", "LADDER-TESTS-5")
@pytest.mark.budget("pool.job", "count == 1", "max < 1s", "errors == 0")
async def test_quick_job_completes_without_timeout(pool: GuardedPool) -> None:
    with probe.operation("pool.job"):
        outcome = await pool.run(add, 2, 3, timeout=2.5)

    assert outcome == Outcome(5, was_timeout=False)


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.budget("pool.attempt", "count == 3", "errors == 1")
@pytest.mark.budget("pool.fallback", "count == 1", "errors == 0")
async def test_worker_that_is_really_stuck_is_killed_and_replaced(pool: GuardedPool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    first = (await pool.run(pid_after, 0, timeout=HANG)).value

    outcome = await pool.run(spin, str(mark), timeout=0.2, fallback=took_over)

    assert outcome == Outcome(-1, was_timeout=True)
    async with asyncio.timeout(HANG):
        second = (await pool.run(pid_after, 0, timeout=HANG)).value
    assert mark.read_text() in ("", str(first))
    assert is_gone(first)
    assert second != first
    assert pool.replaced == 1


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.budget("pool.attempt", "count == 6", "peak == 2", "errors == 0")
async def test_stuck_worker_stops_no_other(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    async with GuardedPool(workers=2) as pool, asyncio.timeout(HANG):
        stuck = asyncio.create_task(pool.run(spin, str(mark), timeout=HANG))
        await until_there(mark)
        beside = [await pool.run(pid_after, 0, timeout=HANG) for _ in range(3)]
        stuck.cancel()  # whoever gives up waiting frees the worker as well
        with pytest.raises(asyncio.CancelledError):
            await stuck
        while pool.replaced < 1:
            await asyncio.sleep(0.002)
        after = await asyncio.gather(*(pool.run(pid_after, 0.05, timeout=HANG) for _ in range(2)))
    assert len({outcome.value for outcome in beside}) == 1
    assert len({outcome.value for outcome in after}) == 2
    assert is_gone(int(mark.read_text()))


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.budget("pool.attempt", "count == 6", "peak == 2", "errors == 0")
async def test_jobs_wait_for_a_free_worker() -> None:
    async with GuardedPool(workers=2) as pool, asyncio.timeout(HANG):
        outcomes = await asyncio.gather(*(pool.run(add, n, n, timeout=HANG) for n in range(6)))
    assert [outcome.value for outcome in outcomes] == [0, 2, 4, 6, 8, 10]


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.budget("pool.attempt", "count == 4", "errors == 3")
@pytest.mark.budget("pool.fallback", "count == 3", "peak == 1", "errors == 0")
async def test_fallbacks_do_not_flood_the_machine(pool: GuardedPool, tmp_path: Path) -> None:
    """No more of them at once than there are workers, and meanwhile the workers work."""
    mark = str(tmp_path / "mark")
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        jobs = [
            group.create_task(pool.run(spin, mark, timeout=0.05, fallback=wait_at_gate)) for _ in range(3)
        ]
        while pool.replaced < 3:
            await asyncio.sleep(0.002)
        assert await pool.run(add, 1, 1, timeout=HANG) == Outcome(2, was_timeout=False)
        assert len(pool.pids) == 1
        (tmp_path / "gate").touch()
    assert [job.result() for job in jobs] == [Outcome(-1, was_timeout=True)] * 3


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.budget("pool.attempt", "count == 2", "errors == 1")
async def test_timeout_inside_a_job_is_the_jobs_own(pool: GuardedPool) -> None:
    with pytest.raises(TimeoutError, match="the job itself had to wait too long"):
        await pool.run(raise_timeout, timeout=HANG)
    assert await pool.run(add, 1, 1, timeout=HANG) == Outcome(2, was_timeout=False)
    assert pool.replaced == 0


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
async def test_worker_that_dies_is_told_and_replaced(pool: GuardedPool) -> None:
    with pytest.raises(WorkerCrashed, match="the worker that ran die ended in the middle of it"):
        await pool.run(die, timeout=HANG)
    assert await pool.run(add, 1, 1, timeout=HANG) == Outcome(2, was_timeout=False)
    assert pool.replaced == 1


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
@pytest.mark.parametrize(
    ("fallback", "limit", "error", "words"),
    [
        (spin, 0.1, FallbackTimedOut, "spin as a fallback took more than 0.1 s"),
        (die_after, HANG, WorkerCrashed, "the worker that ran die_after ended in the middle of it"),
    ],
)
async def test_fallback_that_fails_ends_in_a_word(
    pool: GuardedPool,
    tmp_path: Path,
    fallback: Callable[..., int],
    limit: float,
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        await pool.run(spin, str(tmp_path / "mark"), timeout=0.05, fallback=fallback, fallback_timeout=limit)
    assert await pool.run(add, 1, 1, timeout=HANG) == Outcome(2, was_timeout=False)


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
async def test_pool_closes_over_a_stuck_job(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    async with asyncio.timeout(HANG):
        async with GuardedPool(workers=1) as pool:
            stuck = asyncio.create_task(pool.run(spin, str(mark), timeout=HANG))
            await until_there(mark)
            waiting = asyncio.create_task(pool.run(add, 1, 1, timeout=HANG))
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(stuck, waiting, return_exceptions=True)
        await pool.close()
        with pytest.raises(PoolClosed):
            await pool.run(add, 1, 1, timeout=HANG)
    assert [type(outcome) for outcome in outcomes] == [PoolClosed, PoolClosed]
    assert is_gone(int(mark.read_text()))


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
async def test_pool_that_closes_as_a_worker_comes_free_begins_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    async with asyncio.timeout(HANG), GuardedPool(workers=1) as pool:

        async def work_and_close() -> None:
            await pool.run(add, 1, 1, timeout=HANG)
            await pool.close()

        closing = asyncio.create_task(work_and_close())
        waiting = asyncio.create_task(pool.run(spin, str(mark), timeout=0.5))
        with pytest.raises(PoolClosed):
            await waiting
        await closing
    assert not mark.exists()


@pytest.mark.asyncio
@pytest.mark.requirement("LADDER-POOL-4")
async def test_pool_that_cannot_be_opened_leaves_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture that looks for what is left over is the judge."""
    open_one = Lane.open
    opened = 0

    async def open_two() -> Lane:
        nonlocal opened
        opened += 1
        if opened > 2:
            raise BlockingIOError("the system has no room for another process")
        return await open_one()

    monkeypatch.setattr(Lane, "open", open_two)
    with pytest.raises(BlockingIOError):
        async with GuardedPool(workers=3):
            pass
    assert opened == 3


ORPHAN_MAKER = """
import asyncio, sys
from gameladder.pool import GuardedPool
from ladder_support import spin

async def main():
    async with GuardedPool(workers=1) as pool:
        await pool.run(spin, sys.argv[1], timeout=600)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.requirement("LADDER-POOL-4")
def test_stuck_worker_ends_with_the_process_that_owns_the_pool(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = tmp_path / "owner.py"
    script.write_text(ORPHAN_MAKER)
    place = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, str(script), str(mark)]
    environment = {**unrecorded(), "PYTHONPATH": place}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as owner:
        try:
            until(lambda: mark.exists() and mark.read_text() != "", "the job begins")
        finally:
            owner.kill()
    until_ended([int(mark.read_text())], "the worker ends with its owner")
