"""All processes of one archive, on a database, a Redis and a folder of their own."""

from __future__ import annotations

import json
import secrets
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from archive_database import new_database
from archive_processes import ApiServer, ChannelProcess, StoreProcess, WorkerProcess
from redis import Redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive_database import TestDatabase


class Stack:
    """An archive, part by part."""

    def __init__(
        self,
        settings: dict[str, Any],
        folder: Path,
        database: TestDatabase,
        channel: ChannelProcess,
        store: StoreProcess | None,
    ) -> None:
        self.settings = settings
        self.folder = folder
        self.database = database
        self.channel = channel
        self._store = store
        self.admin_token: str | None = None
        self.file = folder / "settings.json"
        self.file.write_text(json.dumps(settings))
        self.api = ApiServer(self.file, folder / "api.log")
        self.worker = self.new_worker()

    @property
    def store(self) -> StoreProcess:
        """Redis, where it is the suite's own and may be killed."""
        assert self._store is not None, "the Redis is the user's"
        return self._store

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def new_worker(self) -> WorkerProcess:
        """Another worker, not started yet."""
        return WorkerProcess(self.file, self.folder / "worker.log")

    def redis(self) -> Redis:
        return Redis.from_url(self.settings["store"]["url"], decode_responses=True)

    def key(self, *parts: str) -> str:
        return ":".join((self.settings["store"]["prefix"], *parts))

    def mend(self) -> None:
        """Start what a test has left dead."""
        parts = [self.channel, *([self._store] if self._store is not None else [])]
        for part in (*parts, self.api, self.worker):
            if not part.running:
                part.kill()
                part.start()


@contextmanager
def running_stack(
    folder: Path, dsn: str | None, store_url: str | None, changes: dict[str, dict[str, Any]]
) -> Iterator[Stack]:
    """Start everything, and end it in the opposite order."""
    with ExitStack() as exits:
        database = exits.enter_context(new_database(dsn, folder))
        store = None
        if store_url is None:
            store = StoreProcess()
            exits.callback(store.remove)
            store.launch()
        key = secrets.token_hex(8)
        channel = ChannelProcess(key, folder / "channel.log")
        exits.callback(channel.kill)
        channel.start()
        url = store_url if store is None else store.url
        settings = _settings(folder, database, {"url": url, "prefix": f"archive-{uuid.uuid4().hex}"})
        settings["channel"] |= {"url": channel.url, "key": key}
        stack = Stack(
            {part: settings.get(part, {}) | changes.get(part, {}) for part in settings},
            folder,
            database,
            channel,
            store,
        )
        if store is None:
            exits.callback(_forget, stack)
        else:
            store.until_ready()
        exits.callback(stack.api.stop)
        exits.callback(stack.worker.stop)
        stack.api.start()  # it makes the tables
        stack.worker.start()
        yield stack


def _settings(folder: Path, database: TestDatabase, store: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Short pauses, cheap passwords, and waits that a busy machine does not outlast."""
    return {
        "database": database.settings,
        "store": store | {"timeout": 2.0},
        "accounts": {
            "secret": secrets.token_hex(16),
            "admin_password": secrets.token_hex(8),
            "password_cost": 4,
        },
        "files": {"root": str(folder / "files"), "media_limit": 4_000_000},
        "channel": {"timeout": 5.0, "attempts": 3, "pause": 0.01},
        "tasks": {"attempts": 3, "lease": 10.0, "pause": 0.02, "sweep": 0.1},
    }


def _forget(stack: Stack) -> None:
    with stack.redis() as redis:
        for key in redis.scan_iter(stack.key("*")):
            redis.delete(key)
