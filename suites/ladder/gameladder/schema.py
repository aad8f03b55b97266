"""The tables, and the steps from each older version of them to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .errors import ForeignDatabase, SchemaTooNew

if TYPE_CHECKING:
    import sqlite3

APPLICATION: Final = 0x4C414444
"""Stands in the head of the file and tells a ladder's database from any other."""

_FIRST = (
    """
    CREATE TABLE player (
      uid INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      country TEXT NOT NULL,
      mmr INTEGER NOT NULL DEFAULT 1500,
      games INTEGER NOT NULL DEFAULT 0,
      last_chosen_races TEXT NOT NULL DEFAULT '[]'
    ) STRICT
    """,
    """
    CREATE TABLE match (
      id INTEGER PRIMARY KEY,
      first INTEGER NOT NULL REFERENCES player,
      second INTEGER NOT NULL REFERENCES player,
      mmr_change INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE job (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      payload TEXT NOT NULL,
      state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'completed', 'dead')),
      attempts INTEGER NOT NULL DEFAULT 0,
      max_attempts INTEGER NOT NULL,
      not_before REAL NOT NULL DEFAULT 0,
      owner TEXT,
      fence INTEGER NOT NULL DEFAULT 0,
      lease_until REAL,
      result TEXT,
      error TEXT
    ) STRICT
    """,
    "CREATE INDEX job_leased ON job (lease_until) WHERE state = 'leased'",
    "CREATE TABLE written (kind TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)

_SECOND = (
    "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN key TEXT",
    "ALTER TABLE job ADD COLUMN leased_at REAL",
    "ALTER TABLE job ADD COLUMN ended_at REAL",
    "CREATE UNIQUE INDEX job_key ON job (key) WHERE key IS NOT NULL",
    "CREATE INDEX job_waiting ON job (priority DESC, id) WHERE state = 'waiting'",
)

STEPS: Final = (_FIRST, _SECOND)
"""What leads from version n to n + 1 stands at place n."""

VERSION: Final = len(STEPS)


def version_of(connection: sqlite3.Connection, path: object) -> int:
    """The version of the tables, 0 where there are none; a database that is not for us is refused."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application != APPLICATION and not empty:
        raise ForeignDatabase(f"{path} is a database, but not one of a ladder; name another file")
    if version > VERSION:
        raise SchemaTooNew(
            f"{path} has schema {version}, where {VERSION} is the newest known here; use the newer package"
        )
    return version


def bring_up_to_date(connection: sqlite3.Connection, path: object) -> None:
    """Take the steps that are missing, all or none of them; called inside a write transaction."""
    version = version_of(connection, path)
    if version == VERSION:
        return
    for step in STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
