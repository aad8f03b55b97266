"""SQLite: a file on disk, and a few threads that wait for it in the event loop's place."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from .errors import DatabaseUnavailable, StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .database import Row, Value

T = TypeVar("T")

_THREADS = 4
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
    }
)
_PRIMARY = 0xFF  # the lowest byte of an error code; what is above it only refines it


class SqliteDriver:
    """Opens the file for each statement: one that was away, and is back, needs no repair."""

    def __init__(self, path: str, timeout: float) -> None:
        self.name = path
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sqlite")

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        def run() -> Sequence[Row]:
            with closing(self._open("rw")) as connection, connection:
                return connection.execute(statement, values).fetchall()

        return await self._in_thread(run)

    async def tables(self) -> set[str]:
        def tables() -> set[str]:
            with closing(self._open("rwc")) as connection:
                rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {str(name) for (name,) in rows}

        return await self._in_thread(tables)

    async def create(self, statements: Sequence[str]) -> None:
        def create() -> None:
            with closing(self._open("rw")) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in statements:
                    connection.execute(statement)

        await self._in_thread(create)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _open(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(self.name)}?mode={mode}", uri=True, timeout=self._timeout)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
            if code in _PASSING:
                raise DatabaseUnavailable(f"{self.name}: {error}") from error
            if code == sqlite3.SQLITE_NOTADB:
                raise StartError(f"{self.name} is no SQLite database: {error}") from error
            raise
