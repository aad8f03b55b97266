"""Reports in Valkey or Redis: a help where it works, and never a reason to fail where it does not."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, TypeVar

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .errors import CacheUnavailable, NotNow, StartError
from .records import Report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .breaker import Breaker
    from .metrics import Metrics
    from .settings import CacheSettings

T = TypeVar("T")

_log = logging.getLogger(__name__)

_CONNECTIONS = 16


class ReportCache:
    """Keeps each report for so long; a cache that is away has nothing and takes nothing."""

    def __init__(self, settings: CacheSettings, breaker: Breaker, metrics: Metrics) -> None:
        self._prefix = settings.prefix
        self._ttl_ms = round(settings.ttl * 1000)
        self._breaker = breaker
        self._metrics = metrics
        self._owed: dict[str, int] = {}
        """Cases whose reports are still to be removed, each with the number of the last demand for it."""
        self._demands = itertools.count()
        try:
            pool = BlockingConnectionPool.from_url(
                settings.url,
                max_connections=_CONNECTIONS,
                timeout=settings.timeout,
                socket_timeout=settings.timeout,
                socket_connect_timeout=settings.timeout,
                retry=RedisRetry(NoBackoff(), 0),  # its own retries would keep a request for seconds
            )
        except ValueError as error:
            raise StartError(f"no cache at {settings.url!r}: {error}") from error
        self._redis = Redis.from_pool(pool)

    async def get(self, case_id: str) -> Report | None:
        """The report, or None: it is not there, or the cache is not."""
        try:
            await self._settle(case_id)
            content = await self._try("cache.get", lambda: self._redis.get(self._key(case_id)))
        except (CacheUnavailable, NotNow):
            return None
        report = None if content is None else self._unpack(case_id, content)
        self._metrics.event("cache.miss" if report is None else "cache.hit")
        return report

    async def put(self, report: Report) -> None:
        """Keep the report, if the cache is there."""
        content = msgspec.json.encode(report)
        try:
            await self._settle(report.case)
            await self._try(
                "cache.put", lambda: self._redis.set(self._key(report.case), content, px=self._ttl_ms)
            )
        except (CacheUnavailable, NotNow):
            pass

    async def invalidate(self, case_id: str) -> None:
        """Remove the report: now, or before this case is looked up the next time."""
        self._owed[case_id] = next(self._demands)
        try:
            await self._settle(case_id)
        except (CacheUnavailable, NotNow):
            pass

    async def close(self) -> None:
        await self._redis.aclose()

    async def _settle(self, case_id: str) -> None:
        """A cache that was frozen comes back with all that it had: nothing outdated may be read from it."""
        demand = self._owed.get(case_id)
        if demand is None:
            return
        await self._try("cache.invalidate", lambda: self._redis.delete(self._key(case_id)))
        if self._owed.get(case_id) == demand:  # else it was changed again meanwhile
            del self._owed[case_id]

    def _key(self, case_id: str) -> str:
        return f"{self._prefix}:report:{case_id}"

    def _unpack(self, case_id: str, content: bytes | str) -> Report | None:
        try:
            report = msgspec.json.decode(content, type=Report)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._metrics.event("cache.garbage")
            _log.warning("the cache holds no report under %s: %s", self._key(case_id), error)
            return None
        return report if report.case == case_id else None

    async def _try(self, name: str, command: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            with self._metrics.operation(name):
                try:
                    return await command()
                except (RedisError, OSError) as error:
                    raise CacheUnavailable(f"the cache: {error or type(error).__name__}") from error

        try:
            return await self._breaker.call(attempt)
        except CacheUnavailable as error:
            self._metrics.event("error.cache_unavailable")
            _log.warning("%s failed: %s", name, error)
            raise
