"""Redis as all who use it see it: names with a prefix, calls that are measured, one kind of error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from itdash import probe

from .errors import StartError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .settings import StoreSettings

_CONNECTIONS = 16


class Store:
    """One Redis, or Valkey."""

    def __init__(self, settings: StoreSettings) -> None:
        self.prefix = settings.prefix
        self.timeout = settings.timeout
        try:
            pool = BlockingConnectionPool.from_url(
                settings.url,
                max_connections=_CONNECTIONS,
                timeout=settings.timeout,
                socket_timeout=settings.timeout,
                socket_connect_timeout=settings.timeout,
                retry=Retry(NoBackoff(), 0),  # its own retries would keep a request for seconds
                decode_responses=True,
            )
        except ValueError as error:
            raise StartError(f"no Redis at {settings.url!r}: {error}") from error
        self._redis = Redis.from_pool(pool)

    def key(self, *parts: str) -> str:
        return ":".join((self.prefix, *parts))

    async def call(self, name: str, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        """The answer to one command, or StoreError."""
        async with probe.operation(name):
            try:
                return await command(self._redis)
            except (RedisError, OSError) as error:
                raise StoreError(f"Redis: {error or type(error).__name__}") from error

    async def ping(self) -> None:
        await self.call("store.ping", lambda redis: redis.ping())

    async def close(self) -> None:
        await self._redis.aclose()
