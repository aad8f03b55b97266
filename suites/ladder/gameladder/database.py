"""The file on disk: one connection for each process, transactions that are whole or leave no trace."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from .checks import positive
from .errors import ForeignDatabase, StorageError
from .schema import bring_up_to_date, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_PAUSE: Final = 0.005


class Database:
    """A connection that the threads of a process share, one transaction at a time.

    With a write-ahead log readers never wait for the writer. `synchronous = NORMAL` keeps what was committed
    when the process dies, also by SIGKILL; only a crash of the whole machine may take the last commits.
    """

    def __init__(self, path: Path, patience: float = 10.0) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._patience = positive("patience", patience)
        try:
            self._connection = sqlite3.connect(
                path, timeout=patience, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be opened: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        try:
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            with self.reading() as connection:
                version_of(connection, self.path)
            self._write_ahead()  # only now: a file that is refused stays as it was
            with self.writing() as connection:
                bring_up_to_date(connection, self.path)
        except (StorageError, sqlite3.Error) as error:
            if "not a database" in str(error):
                raise ForeignDatabase(f"{self.path} is not a database; name another file") from error
            if isinstance(error, sqlite3.Error):
                raise StorageError(f"{self.path} cannot be used: {error}") from error
            raise

    def _write_ahead(self) -> None:
        """Switch to a write-ahead log: that needs the file for a moment, and SQLite does not wait for it."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that may write; it takes the write lock first, so no rival makes it fail half-way."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction in which every query sees the database at one and the same moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo()
                raise StorageError(f"{self.path}: {error}; nothing was written") from error
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
