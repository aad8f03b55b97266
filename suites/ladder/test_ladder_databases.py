"""Databases that are older, newer, somebody else's, full or locked: what they hold stays as it is."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from gameladder.database import Database
from gameladder.errors import ForeignDatabase, SchemaTooNew, StorageError
from gameladder.jobqueue import JobQueue
from gameladder.jobs import JobState
from gameladder.leaderboard import Leaderboard
from gameladder.replays import handlers
from gameladder.schema import APPLICATION, STEPS, VERSION
from gameladder.worker import Worker
from ladder_support import HANG

if TYPE_CHECKING:
    from pathlib import Path


def old_database(path: Path, *more: str) -> None:
    """A ladder as version 1 of the schema had it, with a player, a match and a job."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in STEPS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO player (uid, name, country) VALUES (1, 'Ada', 'GB'), (2, 'Emmy', 'DE')")
    connection.execute("INSERT INTO match (id, first, second) VALUES (1, 1, 2)")
    connection.execute(
        "INSERT INTO job (kind, payload, max_attempts) VALUES ('replay', ?, 5)",
        ('{"match":1,"replay":"replay 1\\n9 2 leaves"}',),
    )
    for statement in more:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


@pytest.mark.requirement("LADDER-QUEUE-1")
def test_older_database_is_brought_up_to_date_with_all_it_holds(path: Path) -> None:
    old_database(path)
    with Database(path) as database:
        queue = JobQueue(database)
        assert Worker(queue, handlers()).run_once() == 1
        assert queue.counts()[JobState.COMPLETED] == 1
        assert [row.mmr for row in Leaderboard(database).rows()] == [1516, 1484]
    assert version_of(path) == VERSION


@pytest.mark.requirement("LADDER-QUEUE-1")
def test_older_database_that_many_open_at_once_is_changed_once(path: Path) -> None:
    old_database(path)
    together = threading.Barrier(4)
    found: list[int] = []

    def open_it() -> None:
        together.wait(HANG)
        with Database(path) as database:
            found.append(JobQueue(database).counts()[JobState.WAITING])

    openers = [threading.Thread(target=open_it) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(HANG)
    assert found == [1, 1, 1, 1]


@pytest.mark.requirement("LADDER-QUEUE-1")
def test_step_that_fails_leaves_the_older_database_as_it_was(path: Path) -> None:
    old_database(path, "CREATE TABLE job_key (a)")  # the name that an index of version 2 needs
    with pytest.raises(StorageError, match="job_key"):
        Database(path)
    assert version_of(path) == 1
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(job)")]
    connection.close()
    assert "priority" not in columns


def test_newer_database_is_refused_and_left_alone(path: Path) -> None:
    with Database(path) as database, database.writing() as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(
        SchemaTooNew, match=f"has schema {VERSION + 1}, where {VERSION} is the newest known here"
    ):
        Database(path)
    assert path.read_bytes() == before


def test_files_of_others_are_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("nothing but words, and long enough that it could be something else " * 20)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE thing (a)")
    connection.commit()
    connection.close()
    for file, words in ((text, "is not a database"), (other, "but not one of a ladder")):
        before = file.read_bytes()
        with pytest.raises(ForeignDatabase, match=words):
            Database(file)
        assert file.read_bytes() == before
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(tmp_path / "nowhere" / "ladder.db")


@pytest.mark.requirement("LADDER-QUEUE-4")
def test_full_disk_refuses_what_is_new_and_keeps_what_is_old(queue: JobQueue, database: Database) -> None:
    queue.add("any", "kept")
    with database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="disk is full; nothing was written"):
        queue.add_all("any", ["x" * 60_000] * 4)
    assert queue.counts()[JobState.WAITING] == 1
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    queue.add_all("any", ["x" * 60_000] * 4)
    assert queue.counts()[JobState.WAITING] == 5


def test_writer_that_never_ends_is_told(path: Path, database: Database) -> None:
    with Database(path, patience=0.05) as other, database.writing():
        with pytest.raises(StorageError, match="locked; nothing was written"):
            JobQueue(other).add("any", None)
        assert JobQueue(other).counts()[JobState.WAITING] == 0  # readers do not wait for it
