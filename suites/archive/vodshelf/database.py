"""What the services ask of a database; its tables, and the check of their version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from .errors import DatabaseError, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from .settings import DatabaseSettings

Value: TypeAlias = "str | int | float | None"
Row: TypeAlias = "Sequence[Value]"

SCHEMA_VERSION = 1

_TABLES = (
    "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL,"
    " role TEXT NOT NULL, created DOUBLE PRECISION NOT NULL)",
    "CREATE TABLE vods (id TEXT PRIMARY KEY, title TEXT NOT NULL, file_name TEXT NOT NULL,"
    " status TEXT NOT NULL, version INTEGER NOT NULL, owner TEXT NOT NULL,"
    " created DOUBLE PRECISION NOT NULL, tags TEXT NOT NULL, reference TEXT UNIQUE, size BIGINT,"
    " checksum TEXT, show_id INTEGER)",
    "CREATE INDEX vods_by_time ON vods (created, id)",
    "CREATE TABLE history (vod_id TEXT NOT NULL REFERENCES vods ON DELETE CASCADE,"
    " version INTEGER NOT NULL, status TEXT NOT NULL, PRIMARY KEY (vod_id, version))",
    "CREATE TABLE tasks (id TEXT PRIMARY KEY, vod_id TEXT NOT NULL REFERENCES vods ON DELETE CASCADE,"
    " status TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT, worker TEXT,"
    " created DOUBLE PRECISION NOT NULL, not_before DOUBLE PRECISION NOT NULL,"
    " lease_until DOUBLE PRECISION NOT NULL)",
    "CREATE INDEX tasks_by_status ON tasks (status, not_before)",
    "CREATE TABLE transcriptions (vod_id TEXT PRIMARY KEY REFERENCES vods ON DELETE CASCADE,"
    " task_id TEXT NOT NULL, status TEXT NOT NULL, output_path TEXT NOT NULL, captions INTEGER NOT NULL,"
    " unclear INTEGER NOT NULL, media_checksum TEXT NOT NULL)",
    "CREATE TABLE schema_version (version INTEGER NOT NULL)",
    f"INSERT INTO schema_version VALUES ({SCHEMA_VERSION})",
)
TABLES = ("users", "vods", "history", "tasks", "transcriptions", "schema_version")


class Transaction(Protocol):
    """Statements of which all come about or none."""

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        """Carry out one statement, in which `?1` is the first value; the rows that it gives."""


class Database(Protocol):
    """One kind of database. Trouble that may pass is a DatabaseError, a doubled key AlreadyThere."""

    name: str
    """Which database it is, for messages."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Committed at the end of the block; rolled back when it is left by an exception."""

    async def read(self, statement: str, *values: Value) -> Sequence[Row]:
        """The rows of one statement that changes nothing."""

    async def tables(self) -> set[str]:
        """The names of the tables that are there."""

    async def close(self) -> None:
        """Let go of everything."""


async def open_database(settings: DatabaseSettings) -> Database:
    """Connect, make the tables if there are none, and refuse a database of another version."""
    database = await _connect(settings)
    try:
        await _check_schema(database)
    except DatabaseError as error:
        await database.close()
        raise StartError(str(error)) from error
    except BaseException:
        await database.close()
        raise
    return database


async def _connect(settings: DatabaseSettings) -> Database:
    scheme, _, rest = settings.url.partition("://")
    if scheme == "sqlite":
        from .sqlite import SqliteDatabase

        return await SqliteDatabase.connect(rest, settings.timeout)
    if scheme in ("postgres", "postgresql"):
        from .postgres import PostgresDatabase

        return await PostgresDatabase.connect(settings)
    raise StartError(f"no database at {settings.url!r}: it must begin with sqlite:// or postgresql://")


async def _check_schema(database: Database) -> None:
    tables = await database.tables()
    if not tables & set(TABLES):
        async with database.transaction() as transaction:
            for statement in _TABLES:
                await transaction.run(statement)
        return
    found: Value = None
    if "schema_version" in tables:
        rows = await database.read("SELECT version FROM schema_version")
        found = rows[0][0] if rows else None
    if found != SCHEMA_VERSION:
        version = "no version" if found is None else f"version {found}"
        raise StartError(
            f"the tables in {database.name} have {version}, and this archive needs version {SCHEMA_VERSION}:"
            " convert them, or name another database"
        )
