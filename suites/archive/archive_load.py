"""The load of the performance tests: clients at once, each with what users do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from itdash import probe

if TYPE_CHECKING:
    from archive_support import Archive, Caller

CLIENTS = 20


async def operation(caller: Caller) -> None:
    """What users do: make a video, look at it, begin to process it."""
    vod = await caller.create("Under load")
    assert (await caller.vod(vod.id)).title == "Under load"
    assert (await caller.update(vod.id, status="processing")).version == 2


async def load(callers: list[Caller], each: int, name: str = "operation") -> None:
    """All callers at once, each one operation after the other."""

    async def work(caller: Caller) -> None:
        for _ in range(each):
            async with probe.operation(name):
                await operation(caller)

    await asyncio.gather(*map(work, callers))


async def listed(archive: Archive, name: str, times: int) -> None:
    for _ in range(times):
        async with probe.operation(name):
            await archive.anyone.page()
