"""PostgreSQL: a pool of connections that mends itself after the server was away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg  # type: ignore[import-untyped]  # it has no types

from .errors import DatabaseUnavailable, StartError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .database import Row, Value
    from .settings import DatabaseSettings

T = TypeVar("T")

_CONNECTIONS = 4
_PASSING = (
    OSError,  # TimeoutError is one, too
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what is left of a connection that the server ended between two statements
)


class PostgresDriver:
    """Statements on connections of a pool; one that breaks is replaced."""

    def __init__(self, name: str, pool: Any, timeout: float) -> None:
        self.name = name
        self._pool = pool
        self._timeout = timeout

    @classmethod
    async def connect(cls, settings: DatabaseSettings) -> PostgresDriver:
        name = f"schema {settings.schema} of PostgreSQL"
        try:
            pool = await asyncpg.create_pool(
                settings.url,
                min_size=1,
                max_size=_CONNECTIONS,
                timeout=settings.timeout,
                command_timeout=settings.timeout,
                server_settings={
                    "search_path": settings.schema,
                    "application_name": f"reportdesk {settings.schema}",
                },
            )
        except (*_PASSING, asyncpg.PostgresError, ValueError) as error:
            raise StartError(f"{name} cannot be used: {error}") from error
        return cls(name, pool, settings.timeout)

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        rows = await self._with_connection(lambda c: c.fetch(statement.replace("?", "$"), *values))
        return [tuple(row) for row in rows]

    async def tables(self) -> set[str]:
        rows = await self.run("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {str(name) for (name,) in rows}

    async def create(self, statements: Sequence[str]) -> None:
        alone = "SELECT pg_advisory_xact_lock(hashtext(current_schema()))"
        await self._with_connection(lambda c: c.execute(";".join((alone, *statements))))

    async def close(self) -> None:
        self._pool.terminate()

    async def _with_connection(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            async with self._pool.acquire(timeout=self._timeout) as connection:
                return await work(connection)
        except _PASSING as error:
            raise DatabaseUnavailable(f"{self.name}: {error or type(error).__name__}") from error
