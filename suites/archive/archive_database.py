"""The database of the tests: a file or a schema of their own, a way to take it away, a look at its rows."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from vodshelf.database import TABLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


class SqliteFile:
    """A database in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings: dict[str, Any] = {"url": f"sqlite://{path}", "timeout": 5.0}

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """The file is not where it was."""
        elsewhere = self.path.with_suffix(".elsewhere")
        self.path.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self.path)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a connection of the test's own sees."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement).fetchall()

    async def execute(self, statement: str) -> None:
        """Change something behind the archive's back."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)


class PostgresSchema:
    """A schema with a name of its own in a PostgreSQL database."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn = dsn
        self.name = name
        self.settings: dict[str, Any] = {"url": dsn, "schema": name, "timeout": 1.0}

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Every table is locked, so nothing is answered in time."""
        async with self._connected() as connection, connection.transaction():
            await connection.execute(f"LOCK TABLE {', '.join(TABLES)}")
            yield

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a connection of the test's own sees."""
        async with self._connected() as connection:
            return [tuple(row) for row in await connection.fetch(statement)]

    async def execute(self, statement: str) -> None:
        """Change something behind the archive's back."""
        async with self._connected() as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        async with connected(self.dsn) as connection:
            await connection.execute(f"SET search_path = {self.name}")
            yield connection


TestDatabase: TypeAlias = "SqliteFile | PostgresSchema"


@contextmanager
def new_database(dsn: str | None, folder: Path) -> Iterator[TestDatabase]:
    """A file in this folder, or a new schema that is dropped afterwards."""
    if not dsn:
        yield SqliteFile(folder / "archive.db")
        return
    schema = PostgresSchema(dsn, f"archive_{uuid.uuid4().hex}")
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
