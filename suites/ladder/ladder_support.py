"""What several tests of this suite need: jobs for the pool, handlers for workers, a clock set by hand."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gameladder.database import Database
from gameladder.jobqueue import JobQueue
from gameladder.orphans import end_with_owner
from gameladder.owners import new_owner
from gameladder.replays import ReplayHandler, write_replay

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection
    from multiprocessing.connection import Connection

    from gameladder.ladder import Ladder
    from gameladder.worker import Handler

HANG = 20.0
"""Seconds after which a wait is taken for a hang; no measure of anything."""

SEVEN = {
    "test_match_completion_flow_invalidates_cache",
    "test_player_info_update_flow_invalidates_cache",
    "test_non_mmr_flow_does_not_invalidate_cache",
    "test_stuck_job_triggers_timeout_and_fallback",
    "test_quick_job_completes_without_timeout",
    "test_job_survives_restart_and_is_processed",
    "test_multiple_jobs_survive_restart",
}
"""The scenarios by name."""

SPENT = pytest.StashKey[dict[str, float]]()
"""How long each of the seven took in this session, from its first line to its last."""


def unrecorded() -> dict[str, str]:
    """An environment for processes that are no part of what a test measures."""
    return {name: value for name, value in os.environ.items() if name != "ITDASH_PROBE"}


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {HANG:g} s"
        time.sleep(0.002)


def is_gone(pid: int) -> bool:
    """Whether no such process is left, not even one that waits to be reaped."""
    return not Path(f"/proc/{pid}").exists()


def has_ended(pid: int) -> bool:
    """Whether the process does nothing any more; an orphan may still wait to be reaped by others."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def until_ended(pids: Collection[int], what: str) -> None:
    """Wait until they all have ended; those that have not are killed before that is told."""
    try:
        until(lambda: all(has_ended(pid) for pid in pids), what)
    except AssertionError:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def play(ladder: Ladder, matches: int = 1) -> list[dict[str, Any]]:
    """Two players and so many matches between them; the payloads of their replays, all won by player 1."""
    ladder.add_player(1, "Ada", "GB")
    ladder.add_player(2, "Emmy", "DE")
    for match in range(1, matches + 1):
        ladder.add_match(match, 1, 2)
    replay = write_replay([(3, 1, "builds a gateway"), (200, 2, "leaves")])
    return [{"match": match, "replay": replay} for match in range(1, matches + 1)]


# -- jobs for the pool, by name, as another process has to find them --


def add(one: int, other: int) -> int:
    return one + other


def pid_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def spin(mark: str) -> int:
    """Really stuck: deaf to polite signals, and busy for longer than anybody waits."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(mark).write_text(str(os.getpid()))
    end = time.monotonic() + 2 * HANG
    while time.monotonic() < end:
        pass
    return 0


def took_over(_: str) -> int:
    return -1


def wait_at_gate(mark: str) -> int:
    """Lasts until there is a gate beside its mark."""
    until((Path(mark).parent / "gate").exists, "the gate opens")
    return -1


def raise_timeout() -> int:
    raise TimeoutError("the job itself had to wait too long")


def die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def die_after(_: str) -> int:
    return die()


def hold_jobs(path: Path, payloads: list[dict[str, Any]], pipe: Connection) -> None:
    """Add the jobs, tell their ids, and hold the first for as long as this process lives."""
    end_with_owner()
    queue = JobQueue(Database(path))
    jobs = [queue.add("replay", payload) for payload in payloads]
    queue.lease(new_owner(), 3_600)
    pipe.send(jobs)
    signal.pause()


# -- handlers for workers --


class GateHandler:
    """Tells that it has begun, and goes on when the gate is there."""

    def work(self, payload: Any) -> Any:
        Path(payload["began"]).write_text(str(os.getpid()))
        until(Path(payload["gate"]).exists, "the gate opens")
        return os.getpid()

    def apply(self, connection: sqlite3.Connection, result: Any) -> None:
        """Nothing to write."""


class DeadlyHandler:
    """Brings down the worker that takes up such a job."""

    def work(self, _: Any) -> Any:
        return die()

    def apply(self, connection: sqlite3.Connection, result: Any) -> None:
        """Never reached."""


def handlers() -> dict[str, Handler]:
    return {"replay": ReplayHandler(), "gate": GateHandler(), "deadly": DeadlyHandler()}
