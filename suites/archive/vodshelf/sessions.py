"""Sessions in Redis: a token holds as long as its session is there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from .store import Store


class Sessions:
    """Who is logged in."""

    def __init__(self, store: Store, ttl: float) -> None:
        self._store = store
        self._ttl_ms = max(1, round(ttl * 1000))

    async def begin(self, user_id: str) -> str:
        session = uuid.uuid4().hex

        async def begin(redis: Redis) -> None:
            async with redis.pipeline() as commands:
                commands.set(self.key(session), user_id, px=self._ttl_ms)
                commands.sadd(self._of(user_id), session)
                commands.pexpire(self._of(user_id), self._ttl_ms)
                await commands.execute()

        await self._store.call("session.begin", begin)
        return session

    async def holds(self, session: str, user_id: str) -> bool:
        found = await self._store.call("session.get", lambda redis: redis.get(self.key(session)))
        return bool(found == user_id)

    async def end(self, session: str, user_id: str) -> None:
        async def end(redis: Redis) -> None:
            await redis.delete(self.key(session))
            await redis.srem(self._of(user_id), session)

        await self._store.call("session.end", end)

    async def end_all(self, user_id: str) -> int:
        """End every session of a user; how many there were."""

        async def end_all(redis: Redis) -> int:
            sessions = [self.key(str(session)) for session in await redis.smembers(self._of(user_id))]
            ended = await redis.delete(*sessions) if sessions else 0
            await redis.delete(self._of(user_id))
            return int(ended)

        return int(await self._store.call("session.end_all", end_all))

    def key(self, session: str) -> str:
        return self._store.key("session", session)

    def _of(self, user_id: str) -> str:
        return self._store.key("sessions-of", user_id)
