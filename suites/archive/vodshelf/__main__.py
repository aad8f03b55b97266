"""`python -m vodshelf --settings FILE`: serve the archive until told to end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from .api.app import Api
from .channel_client import ChannelClient
from .errors import Unavailable
from .health import Health
from .hosting import listen, serve, started
from .parts import open_parts
from .publishing import PublishingService

if TYPE_CHECKING:
    from .parts import Parts
    from .settings import Settings


async def run(settings: Settings) -> None:
    """Open the archive, serve it, and close it."""
    async with AsyncExitStack() as stack:
        channel = ChannelClient(settings.channel)
        stack.push_async_callback(channel.close)
        parts = await stack.enter_async_context(open_parts(settings))
        await parts.accounts.ensure_admin()
        publishing = PublishingService(parts.vods, parts.transcriptions, channel)
        health = _health(parts, channel)
        with listen(settings.host, settings.port) as listener:
            await serve(Api(parts, publishing, health).application(), listener, settings.grace)


def _health(parts: Parts, channel: ChannelClient) -> Health:
    async def workers() -> None:
        if await parts.presence.count() == 0:
            raise Unavailable("no worker shows signs of life")

    checks = {
        "database": lambda: parts.database.read("SELECT 1 FROM schema_version"),
        "store": parts.store.ping,
        "files": lambda: asyncio.to_thread(parts.files.check),
        "channel": channel.ping,
        "workers": workers,
    }
    timeout = max(parts.settings.database.timeout, parts.settings.store.timeout) * 2
    return Health(checks, timeout)


if __name__ == "__main__":
    raise SystemExit(started("vodshelf", __doc__, run))
