"""The database of the tests: a file or a schema of their own, and a lock that keeps everybody else out."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any

from reportdesk.database import open_database
from reportdesk.settings import DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


class SqliteFile:
    """A database in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings: dict[str, Any] = {"url": f"sqlite://{path}", "timeout": 0.03}

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Nobody else can read or write."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield


class PostgresSchema:
    """A schema with a name of its own in a PostgreSQL database."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn = dsn
        self.name = name
        self.settings: dict[str, Any] = {"url": dsn, "schema": name, "timeout": 0.25}

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Nobody else can read or write."""
        async with connected(self.dsn) as connection, connection.transaction():
            await connection.execute(f"LOCK TABLE {self.name}.cases, {self.name}.reports")
            yield


def make_tables(database: SqliteFile | PostgresSchema) -> None:
    """Open it once as a service does, with time to wait for what else the disk has to do."""

    async def open_and_close() -> None:
        settings = DatabaseSettings(**database.settings | {"timeout": 10.0})
        await (await open_database(settings)).close()

    asyncio.run(open_and_close())


@contextmanager
def postgres_schema(dsn: str) -> Iterator[PostgresSchema]:
    """A new schema, dropped afterwards with all that is in it."""
    schema = PostgresSchema(dsn, f"fir_{uuid.uuid4().hex}")
    asyncio.run(_execute(dsn, f"CREATE SCHEMA {schema.name}"))
    try:
        yield schema
    finally:
        asyncio.run(_execute(dsn, f"DROP SCHEMA {schema.name} CASCADE"))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """A connection of the test's own."""
    import asyncpg  # type: ignore[import-untyped]  # it has no types, and only who has PostgreSQL needs it

    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _execute(dsn: str, statement: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(statement)
