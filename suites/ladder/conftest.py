"""The real parts: a database on disk, worker processes, a pool; and what each test leaves behind."""

from __future__ import annotations

import multiprocessing
import os
import threading
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from gameladder.database import Database
from gameladder.jobqueue import JobQueue
from gameladder.ladder import Ladder
from gameladder.leaderboard import Leaderboard
from gameladder.pool import GuardedPool
from ladder_support import SEVEN, SPENT, ManualClock, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that adds up what the seven took comes after them, in whatever order they run."""
    items.sort(key=lambda item: item.name == "test_the_seven_together")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if item.name in SEVEN and call.when == "call":
        item.config.stash.setdefault(SPENT, {})[item.name] = call.duration
    return report


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> None:
    """One process for the session, from which those of all pools are forked; it ends with this one."""
    # A worker imports the main module of its parent, so the server has it ready.
    forkserver.set_forkserver_preload(["pytest", "gameladder.pool", "ladder_support"])
    resource_tracker.ensure_running()
    first = multiprocessing.get_context("forkserver").Process(target=os.getpid)
    first.start()  # comes about when the server has imported all that
    first.join()
    first.close()


@pytest.fixture(autouse=True)
def nothing_left(fork_server: None) -> Iterator[None]:  # noqa: ARG001 - it is there before and after
    """No test leaves a process, a descriptor or a thread."""
    before = _belongings()
    yield
    with suppress(AssertionError):
        until(lambda: _belongings() <= before, "what the test began ends")
    assert _belongings() - before == set()


def _belongings() -> set[str]:
    found = {f"thread {thread.name}" for thread in threading.enumerate()}
    found.update(f"process {pid}" for pid in _below("self"))
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one by which this folder was read
            found.add(f"descriptor {descriptor} of {os.readlink(f'/proc/self/fd/{descriptor}')}")
    return found


def _below(pid: str) -> Iterator[str]:
    """Every process that this one has started, or that those have."""
    with suppress(OSError):  # what has just ended
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield child
                yield from _below(child)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "ladder.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with Database(path) as database:
        yield database


@pytest.fixture
def ladder(database: Database) -> Ladder:
    return Ladder(database)


@pytest.fixture
def board(database: Database) -> Leaderboard:
    return Leaderboard(database)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database)


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[GuardedPool]:
    """A pool with one worker, so that everything meets the same one."""
    async with GuardedPool(workers=1) as pool:
        yield pool
