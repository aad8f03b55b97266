"""Which workers there are, as far as Redis knows: each shows signs of life, and is forgotten without them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Store


class Presence:
    """The workers of one archive."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.key("workers")

    async def beat(self, name: str, seconds: float) -> None:
        """This worker is there, and will be for so long."""
        await self._store.call(
            "worker.beat", lambda redis: redis.zadd(self._key, {name: time.time() + seconds})
        )

    async def leave(self, name: str) -> None:
        await self._store.call("worker.leave", lambda redis: redis.zrem(self._key, name))

    async def count(self) -> int:
        now = time.time()
        await self._store.call("worker.forget", lambda redis: redis.zremrangebyscore(self._key, "-inf", now))
        return int(await self._store.call("worker.count", lambda redis: redis.zcard(self._key)))
