"""4.2: what load costs in memory, descriptors and CPU time, and what more clients change."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archive_load import CLIENTS, load
from archive_support import Archive, Caller, until

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from archive_processes import Child

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


def spent(process: Child) -> float:
    """Seconds of CPU that all threads of a process have had."""
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9
        for task in Path(f"/proc/{process.pid}/task").iterdir()
    )


def memory(process: Child) -> float:
    """Megabytes in RAM."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("it has no memory")


def descriptors(process: Child) -> int:
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class TestResources:
    @pytest.mark.requirement("4.2.3")
    async def test_memory_stays_bounded(self, archive: Archive, editor: Caller) -> None:
        api = archive.stack.api
        await load([editor] * CLIENTS, 1, "warming")
        before = memory(api)
        await load([editor] * CLIENTS, 3)
        after = memory(api)
        probe.gauge("api.memory_mb", after)
        assert after - before < 20

    @pytest.mark.requirement("4.2.3", "1.2.3")
    async def test_upload_is_not_held_in_memory(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create()
        held = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            for _ in range(60):
                yield bytes(65_536)
            await held.wait()

        before = memory(archive.stack.api)
        async with asyncio.TaskGroup() as group:
            upload = group.create_task(editor.upload(vod.id, slowly()))
            partial = archive.stack.files / "partial"
            size = await until(lambda: _size(partial), lambda size: size > 3_000_000)
            during = memory(archive.stack.api)
            held.set()
        assert upload.result().size == 60 * 65_536
        assert size > 3_000_000
        assert during - before < 3.0

    @pytest.mark.requirement("4.2.3")
    async def test_descriptors_are_given_back(self, archive: Archive, editor: Caller) -> None:
        api = archive.stack.api
        await load([editor] * CLIENTS, 1)  # opens what is kept open
        vod = await editor.create()
        before = descriptors(api)
        async with Archive(archive.stack) as others:
            await load([Caller(others.http, editor.token)] * CLIENTS, 1)
            await editor.upload(vod.id, b"x" * 100_000)
            for _ in range(20):
                await others.anyone.download(vod.id, Range="bytes=0-9")
        # The connections of the others are closed, and with them whatever they had open.
        await until(lambda: asyncio.sleep(0, descriptors(api)), lambda now: now < before + 10)

    @pytest.mark.requirement("4.2.3")
    @pytest.mark.budget("cpu.twenty", "min < 2 * min(cpu.one)")
    async def test_operation_costs_no_more_cpu_among_many(self, archive: Archive, editor: Caller) -> None:
        api = archive.stack.api
        await load([editor], 5, "warming")
        for _ in range(2):
            for name, callers, each in (("cpu.one", 1, CLIENTS), ("cpu.twenty", CLIENTS, 1)):
                before = spent(api)
                await load([editor] * callers, each)
                probe.record(name, (spent(api) - before) / CLIENTS)


class TestScalability:
    @pytest.mark.requirement("4.2.4")
    @pytest.mark.budget("round.40", "count == 3", "min < 3 * min(round.5)")
    @pytest.mark.budget("round.20", "count == 3", "min < 3 * min(round.5)")
    async def test_more_clients_do_as_much_as_few(self, editor: Caller) -> None:
        async def create(times: int) -> None:
            for _ in range(times):
                await editor.create("One of many")

        await asyncio.gather(*(create(1) for _ in range(40)))  # opens the connections
        for _ in range(3):
            for clients in (5, 20, 40):
                async with probe.operation(f"round.{clients}"):
                    await asyncio.gather(*(create(40 // clients) for _ in range(clients)))

    @pytest.mark.requirement("4.2.4")
    @pytest.mark.budget("page.first", "count == 20")
    @pytest.mark.budget("page.deep", "count == 20", "p50 < 4 * p50(page.first)")
    async def test_pages_of_a_large_archive_are_found_as_quickly(
        self, archive: Archive, editor: Caller
    ) -> None:
        vods = [{"title": f"Number {number}", "file_name": "many.wav"} for number in range(150)]
        for _ in range(8):
            await editor.ask("POST", "/api/vod/import", {"vods": vods})
        total = (await archive.anyone.page()).total
        assert total >= 1_200
        for _ in range(20):
            async with probe.operation("page.first"):
                await archive.anyone.page(limit=20)
            async with probe.operation("page.deep"):
                await archive.anyone.page(limit=20, offset=1_100)

    @pytest.mark.requirement("4.2.4")
    @pytest.mark.budget("connection", "count == 100", "peak == 100", "errors == 0")
    async def test_hundred_connections_are_served(self, archive: Archive) -> None:
        together = probe.together("connections", 100)

        async def look() -> int:
            async with probe.operation("connection"):
                await together
                return (await archive.anyone.send("GET", "/api/vod/list")).status_code

        assert set(await asyncio.gather(*(look() for _ in range(100)))) == {200}


async def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
