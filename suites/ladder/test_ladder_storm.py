"""Ten thousand jobs and a hundred deaths: each job done once, none lost."""

from __future__ import annotations

import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
from gameladder.fleet.handle import Fleet
from gameladder.jobs import JobState
from gameladder.ladder import Write
from gameladder.replays import write_replay

from itdash import probe

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from gameladder.database import Database
    from gameladder.jobqueue import JobQueue

SEED = int(os.environ.get("LADDER_SEED", "20251024"))
JOBS = 10_000
KILLS = 100
PLAYERS = 100
HANG = 60.0


def prepare(database: Database, queue: JobQueue, chance: random.Random) -> None:
    """Players, matches that nobody has rated, and a replay of each in the queue."""
    payloads: list[dict[str, Any]] = []
    with database.writing() as connection:
        players = [(uid, f"player {uid}", "GB") for uid in range(1, PLAYERS + 1)]
        connection.executemany("INSERT INTO player (uid, name, country) VALUES (?, ?, ?)", players)
        for match in range(1, JOBS + 1):
            first, second = chance.sample(range(1, PLAYERS + 1), 2)
            connection.execute(
                "INSERT INTO match (id, first, second) VALUES (?, ?, ?)", (match, first, second)
            )
            moves = [
                (3, first, "builds a gateway"),
                (5, second, "scouts"),
                (90, chance.choice((first, second)), "leaves"),
            ]
            payloads.append({"match": match, "replay": write_replay(moves)})
    # A kill uses up an attempt of whatever the worker held, so there are more attempts than kills.
    queue.add_all("replay", payloads, attempts=KILLS + 1)


def rated(database: Database) -> int:
    """How many matches were rated, counted by the writes themselves."""
    with database.reading() as connection:
        row = connection.execute("SELECT times FROM written WHERE kind = ?", (Write.RATING,)).fetchone()
    return row[0] if row else 0


class Watch:
    """Tells the probe of each job that is done, once, and not long after."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: set[int] = set()

    def look(self) -> None:
        query = "SELECT id, ended_at - leased_at FROM job WHERE state = 'completed'"
        with self._database.reading() as connection:
            done = connection.execute(query).fetchall()
        for job, seconds in done:
            if job not in self._seen:
                self._seen.add(job)
                probe.record("queue.job", max(seconds, 0.0))


def kill_at_random(fleet: Fleet, database: Database, watch: Watch, chance: random.Random) -> None:
    """Kill a worker, whichever it is, at so many moments between the first job and the last."""
    killed: set[int] = set()
    for number, moment in enumerate(sorted(chance.randrange(JOBS * 95 // 100) for _ in range(KILLS))):
        fleet.until(lambda: rated(database) >= moment and bool(set(fleet.pids) - killed), HANG)  # noqa: B023
        victim = chance.choice(sorted(set(fleet.pids) - killed))
        os.kill(victim, signal.SIGKILL)
        killed.add(victim)
        if number % 5 == 0:
            watch.look()


@pytest.mark.requirement("LADDER-QUEUE-3", "LADDER-QUEUE-4")
@pytest.mark.budget("queue.job", "count == 10000", "rate > 1000/s", "p99 < 500ms")
@pytest.mark.budget("queue.drain", "max < 5s")
@pytest.mark.budget("worker.life", "count == 104", "peak == 4", "errors == 100")
def test_ten_thousand_jobs_and_a_hundred_kills(path: Path, database: Database, queue: JobQueue) -> None:
    print(f"LADDER_SEED={SEED}")
    probe.mark(f"LADDER_SEED={SEED}")
    chance = random.Random(SEED)
    prepare(database, queue, chance)
    watch = Watch(database)

    with Fleet(path, workers=4, batch=16) as fleet:
        with probe.operation("queue.drain"):
            kill_at_random(fleet, database, watch, chance)
            fleet.until(lambda: rated(database) >= JOBS, HANG)
        watch.look()
        fleet.until(lambda: fleet.killed == KILLS and len(fleet.pids) == 4, HANG)

    probe.count("jobs taken back from killed workers", fleet.reclaimed)
    assert queue.counts() == {
        JobState.WAITING: 0,
        JobState.LEASED: 0,
        JobState.COMPLETED: JOBS,
        JobState.DEAD: 0,
    }
    with database.reading() as connection:
        each_once(connection)


def each_once(connection: sqlite3.Connection) -> None:
    """Every match counts in the ratings and games of its players, and counts once."""
    unrated = "SELECT count(*) FROM match WHERE mmr_change IS NULL"
    assert connection.execute(unrated).fetchone() == (0,)
    wrong = """
        WITH played (uid, moved) AS
          (SELECT first, mmr_change FROM match UNION ALL SELECT second, -mmr_change FROM match)
        SELECT player.uid FROM player JOIN played USING (uid) GROUP BY player.uid
        HAVING player.games != count(*) OR player.mmr != 1500 + sum(moved)
    """
    assert connection.execute(wrong).fetchall() == []
    assert connection.execute("SELECT times FROM written WHERE kind = 'rating'").fetchone() == (JOBS,)
