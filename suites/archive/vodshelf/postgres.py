"""PostgreSQL: a pool of connections that mends itself after the server was away."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]  # it has no types

from .errors import AlreadyThere, DatabaseError, StartError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .database import Row, Transaction, Value
    from .settings import DatabaseSettings

_CONNECTIONS = 4
_PASSING = (
    OSError,  # TimeoutError is one, too
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what is left of a connection that the server ended between two statements
)


class PostgresDatabase:
    """Transactions on connections of a pool; one that breaks is replaced."""

    def __init__(self, name: str, pool: Any, timeout: float) -> None:
        self.name = name
        self._pool = pool
        self._timeout = timeout

    @classmethod
    async def connect(cls, settings: DatabaseSettings) -> PostgresDatabase:
        name = f"schema {settings.schema} of PostgreSQL"
        try:
            pool = await asyncpg.create_pool(
                settings.url,
                min_size=1,
                max_size=_CONNECTIONS,
                timeout=settings.timeout,
                command_timeout=settings.timeout,
                server_settings={"search_path": settings.schema},
            )
        except (*_PASSING, asyncpg.PostgresError, ValueError) as error:
            raise StartError(f"{name} cannot be used: {error}") from error
        return cls(name, pool, settings.timeout)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        with _meaning(self.name):
            async with self._pool.acquire(timeout=self._timeout) as connection, connection.transaction():
                yield _PostgresTransaction(self.name, connection)

    async def read(self, statement: str, *values: Value) -> Sequence[Row]:
        with _meaning(self.name):
            async with self._pool.acquire(timeout=self._timeout) as connection:
                return await _fetch(connection, statement, values)

    async def tables(self) -> set[str]:
        rows = await self.read("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {str(name) for (name,) in rows}

    async def close(self) -> None:
        self._pool.terminate()


class _PostgresTransaction:
    def __init__(self, name: str, connection: Any) -> None:
        self._name = name
        self._connection = connection

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        with _meaning(self._name):  # who began the transaction may have an answer to the error
            return await _fetch(self._connection, statement, values)


@contextmanager
def _meaning(name: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise AlreadyThere(str(error)) from error
    except _PASSING as error:
        raise DatabaseError(f"{name}: {error or type(error).__name__}") from error


async def _fetch(connection: Any, statement: str, values: Sequence[Value]) -> Sequence[Row]:
    return [tuple(row) for row in await connection.fetch(statement.replace("?", "$"), *values)]
