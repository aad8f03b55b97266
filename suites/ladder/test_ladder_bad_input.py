"""What cannot be right is refused in clear words, and costs nothing that was there before."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gameladder.database import Database
from gameladder.errors import (
    AlreadyThere,
    BadPayload,
    BadReplay,
    InvalidValue,
    NotDead,
    NotSendable,
    PayloadTooLarge,
    UnknownJob,
    UnknownMatch,
    UnknownPlayer,
)
from gameladder.jobs import LARGEST_PAYLOAD, JobState, Lease
from gameladder.pool import GuardedPool, Outcome
from gameladder.replays import handlers, read_replay
from gameladder.worker import Worker
from ladder_support import HANG, add, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from gameladder.jobqueue import JobQueue
    from gameladder.ladder import Ladder
    from gameladder.leaderboard import Leaderboard


def endless() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


UNFIT = {
    "an object": object(),
    "a set": {1, 2},
    "bytes": b"abc",
    "no number": float("nan"),
    "a tuple": (1, 2),
    "a key that is no text": {1: "one"},
    "a list inside itself": endless(),
}


@pytest.mark.parametrize("payload", UNFIT.values(), ids=UNFIT)
def test_payload_that_would_come_back_changed_is_refused(queue: JobQueue, payload: Any) -> None:
    kept = queue.add("any", "kept")
    with pytest.raises(BadPayload, match="a payload"):
        queue.add("any", payload)
    with pytest.raises(BadPayload):
        queue.add_all("any", ["good", payload])
    assert queue.counts()[JobState.WAITING] == 1
    assert queue.job(kept).payload == "kept"


def test_payload_has_a_largest_size(queue: JobQueue) -> None:
    fits = "x" * (LARGEST_PAYLOAD - 2)
    job = queue.add("any", fits)
    with pytest.raises(
        PayloadTooLarge, match=f"a payload of {LARGEST_PAYLOAD + 1} bytes, where {LARGEST_PAYLOAD}"
    ):
        queue.add("any", fits + "x")
    assert queue.counts()[JobState.WAITING] == 1
    assert queue.job(job).payload == fits


def test_unknown_ids_are_told(queue: JobQueue, ladder: Ladder) -> None:
    play(ladder)
    with pytest.raises(UnknownJob, match="there is no job 7"):
        queue.job(7)
    with pytest.raises(UnknownJob):
        queue.revive(7)
    with pytest.raises(UnknownJob):
        queue.complete(Lease(7, "any", None, 1, "me", 1), None)
    with pytest.raises(UnknownJob):
        queue.fail(Lease(7, "any", None, 1, "me", 1), "why", pause=1)
    with pytest.raises(NotDead, match="nothing to revive"):
        queue.revive(queue.add("any", None))
    with pytest.raises(UnknownMatch, match="there is no match 9; add it first"):
        ladder.update_match_mmr_change(9, 16)
    with pytest.raises(UnknownMatch):
        ladder.revert_match(9)
    with pytest.raises(UnknownPlayer, match="there is no player 9; add it first"):
        ladder.update_player_info(9, country="CN")
    with pytest.raises(UnknownPlayer):
        ladder.update_player_preferences(9, last_chosen_races=["T"])
    with pytest.raises(UnknownPlayer):
        ladder.races(9)
    with pytest.raises(UnknownPlayer):
        ladder.add_match(9, 1, 9)


@pytest.mark.parametrize("value", [-1, 0, -0.5, float("nan"), float("inf"), True, "5", None])
def test_times_that_cannot_be_are_refused(path: Path, queue: JobQueue, value: Any) -> None:
    job = queue.add("any", None)
    refusals: list[Callable[[], object]] = [
        lambda: queue.lease("me", value),
        lambda: queue.renew("me", value),
        lambda: Worker(queue, {}, lease_seconds=value),
        lambda: Worker(queue, {}, first_pause=value),
        lambda: Database(path, patience=value),
        lambda: asyncio.run(GuardedPool().run(add, 1, 1, timeout=value)),
    ]
    if value is not None:  # where it means "as long as it needs"
        refusals.append(lambda: asyncio.run(GuardedPool().run(add, 1, 1, timeout=1, fallback_timeout=value)))
    for refused in refusals:
        with pytest.raises(InvalidValue, match="must be"):
            refused()
    assert queue.job(job).state is JobState.WAITING


def test_settings_that_cannot_be_are_refused(queue: JobQueue) -> None:
    for wrong in (0, -1, 2.5, True, 10**9):
        with pytest.raises(InvalidValue, match="a whole number from 1 to"):
            queue.lease("me", 1, limit=wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            queue.add("any", None, attempts=wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            GuardedPool(workers=wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            Worker(queue, {}, batch=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="priority"):
        queue.add("any", None, priority=1_001)
    for wrong_name in ("", "x" * 201, "two\nlines", 5):
        with pytest.raises(InvalidValue, match="printable characters"):
            queue.add(wrong_name, None)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            queue.add("any", None, key=wrong_name)  # type: ignore[arg-type]
    queue.add("any", None)
    lease = queue.lease("me", HANG)[0]
    with pytest.raises(InvalidValue, match="pause must be above 0"):
        queue.fail(lease, "why", pause=-1)
    assert queue.job(lease.id).state is JobState.LEASED


def test_what_no_ladder_has_is_refused(ladder: Ladder, board: Leaderboard) -> None:
    play(ladder)
    ladder.update_match_mmr_change(1, 16)
    before = board.rows()
    for name in ("", " ", "x" * 33, "a\x1b[2J", 5):
        with pytest.raises(InvalidValue, match="a name has"):
            ladder.update_player_info(1, name=name)  # type: ignore[arg-type]
    for country in ("", "cn", "CHN", "Č1", 5):
        with pytest.raises(InvalidValue, match="two capital letters"):
            ladder.update_player_info(1, country=country)  # type: ignore[arg-type]
    for races in ("T", ["X"]):
        with pytest.raises(InvalidValue, match="races must be"):
            ladder.update_player_preferences(1, last_chosen_races=races)
    for change in (401, -401, 1.5, True):
        with pytest.raises(InvalidValue, match="mmr_change"):
            ladder.update_match_mmr_change(1, change)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="against itself"):
        ladder.add_match(2, 1, 1)
    with pytest.raises(AlreadyThere):
        ladder.add_match(1, 1, 2)
    with pytest.raises(AlreadyThere):
        ladder.add_player(1, "Ada", "GB")
    assert board.rows() is before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a replay begins with"),
        ("replay 2\n1 1 leaves", "a replay begins with"),
        ("replay 1\n1 1", "line 2 is no move"),
        ("replay 1\n1 x leaves", "line 2 is no move"),
        ("replay 1\n5 1 builds\n4 1 leaves", "line 3 goes back in time"),
        ("replay 1\n1 1 builds", "nobody leaves in the 1 moves"),
    ],
)
def test_torn_replays_are_told(text: str, words: str) -> None:
    with pytest.raises(BadReplay, match=words):
        read_replay(text)


def test_replay_jobs_that_fit_no_match_change_nothing(
    queue: JobQueue, ladder: Ladder, board: Leaderboard
) -> None:
    play(ladder)
    good = "replay 1\n9 2 leaves"
    queue.add_all(
        "replay",
        ["no dictionary", {"match": 1}, {"replay": good}, {"match": 77, "replay": good},
         {"match": 1, "replay": "replay 1\n9 3 leaves"}, {"match": [], "replay": good}],
    )  # fmt: skip
    Worker(queue, handlers(), batch=10).run_once()
    kinds = [str(letter.error).partition(":")[0] for letter in queue.dead_letters()]
    assert kinds == ["BadReplay", "BadReplay", "BadReplay", "UnknownMatch", "BadReplay", "BadReplay"]
    assert board.rows() == ()


@pytest.mark.asyncio
async def test_calls_that_cannot_be_sent_are_refused(pool: GuardedPool) -> None:
    with pytest.raises(NotSendable, match="must be picklable"):
        await pool.run(lambda: 1, timeout=1)
    with pytest.raises(NotSendable):
        await pool.run(add, 1, threading.Lock(), timeout=1)
    with pytest.raises(NotSendable):
        await pool.run(add, 1, 1, timeout=1, fallback=lambda one, _: one)
    assert await pool.run(add, 1, 1, timeout=HANG) == Outcome(2, was_timeout=False)
    assert pool.replaced == 0


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--workers", "0", "workers must be a whole number from 1 to"),
        ("--lease", "-1", "lease must be above 0"),
        ("--handlers", "nowhere:nothing", "there are no handlers at 'nowhere:nothing'"),
        ("--database", "conftest.py", "is not a database"),
    ],
)
def test_fleet_that_cannot_start_says_why(path: Path, option: str, value: str, words: str) -> None:
    command = [sys.executable, "-m", "gameladder.fleet", "--database", str(path), option, value]
    run = subprocess.run(
        command,
        cwd=Path(__file__).parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert words in run.stderr
    assert "Traceback" not in run.stderr
