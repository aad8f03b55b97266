"""Videos in Redis: a help for readers that may be missing, and never older than the database.

Who changes a video leaves a mark before, and takes it away afterwards; while there is one, nothing is kept.
Who reads it from the database leaves a lease, and fills the place only while that lease is still there.
"""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from itdash import probe

from .errors import StoreError
from .records import Vod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .store import Store

_LEASE = "reading:"
_LEASE_MS = 2_000
_MARK_MS = 30_000  # longer than any transaction may take; only who was killed leaves one that long
_CHANGING = "changing"

# The first key is the place of the video, the second has the marks of all who change it.
_LOOK = """
if redis.call('EXISTS', KEYS[2]) == 1 then return ARGV[3] end
local found = redis.call('GET', KEYS[1])
if not found then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return found
"""
_FILL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
"""
_MARK = """
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
"""
_UNMARK = """
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
"""


class VodCache:
    """Keeps each video for so long."""

    def __init__(self, store: Store, ttl: float) -> None:
        self._store = store
        self._ttl_ms = round(ttl * 1000)

    async def get(self, vod_id: str) -> tuple[Vod | None, str | None]:
        """The video, or else a lease with which it may be put here, or neither."""
        lease = _LEASE + uuid.uuid4().hex
        try:
            found = await self._run("cache.get", _LOOK, vod_id, lease, _LEASE_MS, _CHANGING)
        except StoreError:
            return None, None
        if found is None:
            probe.count("cache.miss")
            return None, lease
        try:
            vod = msgspec.json.decode(found, type=Vod)
        except msgspec.DecodeError:
            return None, None
        probe.count("cache.hit")
        return vod, None

    async def put(self, vod: Vod, lease: str) -> None:
        """Keep the video, unless somebody has begun to change it since the lease was given."""
        content = msgspec.json.encode(vod).decode()
        try:
            await self._run("cache.put", _FILL, vod.id, lease, content, self._ttl_ms)
        except StoreError:
            pass

    @asynccontextmanager
    async def changing(self, vod_id: str) -> AsyncIterator[None]:
        """Nobody finds the video here until the block has ended; StoreError where that cannot be promised."""
        mark = uuid.uuid4().hex
        await self._run("cache.mark", _MARK, vod_id, mark, _MARK_MS)
        try:
            yield
        finally:
            try:
                await self._run("cache.unmark", _UNMARK, vod_id, mark)
            except StoreError:
                pass  # the mark expires by itself, and until then readers ask the database

    def key(self, vod_id: str) -> str:
        return self._store.key("vod", vod_id)

    def marks(self, vod_id: str) -> str:
        return self._store.key("changing", vod_id)

    async def _run(self, name: str, script: str, vod_id: str, *values: str | int) -> Any:
        """One script is one step: nobody comes in between."""
        keys = self.key(vod_id), self.marks(vod_id)
        return await self._store.call(
            name, lambda redis: redis.eval(script, len(keys), *keys, *map(str, values))
        )
