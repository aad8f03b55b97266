"""The parts that all processes of the archive have, put together, and taken apart in the opposite order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from .accounts import Accounts
from .cache import VodCache
from .database import Database, open_database
from .errors import StartError
from .files import FileStore
from .presence import Presence
from .sessions import Sessions
from .store import Store
from .tasks import TaskQueue
from .transcription import TranscriptionService
from .vods import VodService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .settings import Settings


class Parts(NamedTuple):
    """Everything but the channel."""

    settings: Settings
    database: Database
    store: Store
    cache: VodCache
    sessions: Sessions
    accounts: Accounts
    vods: VodService
    files: FileStore
    queue: TaskQueue
    transcriptions: TranscriptionService
    presence: Presence


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Connect to the database, and to Redis as soon as it is needed."""
    async with AsyncExitStack() as stack:
        database = await open_database(settings.database)
        stack.push_async_callback(database.close)
        store = Store(settings.store)
        stack.push_async_callback(store.close)
        files = FileStore(settings.files.root, settings.files.media_limit)
        try:
            await asyncio.to_thread(files.prepare)
        except OSError as error:
            raise StartError(f"the folder for files cannot be used: {error}") from error
        cache = VodCache(store, settings.store.cache_ttl)
        sessions = Sessions(store, settings.accounts.token_ttl)
        vods = VodService(database, cache)
        queue = TaskQueue(database, store, settings.tasks)
        yield Parts(
            settings,
            database,
            store,
            cache,
            sessions,
            Accounts(database, sessions, settings.accounts),
            vods,
            files,
            queue,
            TranscriptionService(database, vods, files, queue),
            Presence(store),
        )
