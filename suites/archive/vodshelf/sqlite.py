"""SQLite: a file on disk, and a few threads that wait for it in the event loop's place."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from .errors import AlreadyThere, ArchiveError, DatabaseError, StartError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from .database import Row, Transaction, Value

T = TypeVar("T")

_THREADS = 4
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
    }
)
_DOUBLED = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_PRIMARY = 0xFF  # the lowest byte of an error code; what is above it only refines it


class SqliteDatabase:
    """Opens the file for each transaction: one that was away, and is back, needs no repair."""

    def __init__(self, path: str, timeout: float) -> None:
        self.name = path
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sqlite")
        self._writing = asyncio.Lock()
        self._anchor: sqlite3.Connection | None = None

    @classmethod
    async def connect(cls, path: str, timeout: float) -> SqliteDatabase:
        self = cls(path, timeout)
        try:
            await self._in_thread(self._drop_anchor)
        except DatabaseError as error:
            await self.close()
            raise StartError(str(error)) from error
        except BaseException:
            await self.close()
            raise
        return self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self._turn()
        try:
            connection = await self._in_thread(self._begin)
            try:
                yield _SqliteTransaction(self, connection)
                await self._in_thread(connection.commit)
            except BaseException:
                connection.rollback()
                raise
            finally:
                connection.close()
        finally:
            self._writing.release()

    async def read(self, statement: str, *values: Value) -> Sequence[Row]:
        def read() -> Sequence[Row]:
            with closing(self._open("rw")) as connection:
                return connection.execute(statement, values).fetchall()

        return await self._in_thread(read)

    async def tables(self) -> set[str]:
        rows = await self.read("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {str(name) for (name,) in rows}

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        if self._anchor is not None:
            self._anchor.close()

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await self._in_thread(work)

    async def _turn(self) -> None:
        # Writers of one process wait for each other here, in order, and not by SQLite's sleeps.
        try:
            async with asyncio.timeout(self._timeout):
                await self._writing.acquire()
        except TimeoutError:
            raise DatabaseError(f"{self.name}: others have been writing for {self._timeout:g} s") from None

    def _drop_anchor(self) -> None:
        # While one connection is open the others need not write the log back when they close.
        self._anchor = self._open("rwc")
        self._anchor.execute("PRAGMA journal_mode = WAL")

    def _begin(self) -> sqlite3.Connection:
        connection = self._open("rw")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(self.name)}?mode={mode}",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except sqlite3.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code in _DOUBLED:
            return AlreadyThere(str(error))
        if code & _PRIMARY in _PASSING:
            return DatabaseError(f"{self.name}: {error}")
        if code & _PRIMARY == sqlite3.SQLITE_NOTADB:
            return StartError(f"{self.name} is no SQLite database: {error}")
        return ArchiveError(f"{self.name}: {error}")


class _SqliteTransaction:
    def __init__(self, database: SqliteDatabase, connection: sqlite3.Connection) -> None:
        self._database = database
        self._connection = connection

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        return await self._database.in_thread(lambda: self._connection.execute(statement, values).fetchall())
