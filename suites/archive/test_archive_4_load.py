"""4.2: many callers at once: what they get, and how long it takes."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest
from archive_load import CLIENTS, listed, load
from archive_support import Archive, Caller, budget_of_the_service

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from vodshelf.records import Vod

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

PERIOD = 0.6
"""Seconds between two requests of a client that works at a steady pace."""


class TestLoad:
    @pytest.mark.requirement("4.2.1", "ARCHIVE-PERF-1", "ARCHIVE-PERF-2")
    @pytest.mark.budget("operation", "count == 100", "peak == 20", "errors == 0")
    @pytest.mark.budget("load", "count == 5", "max < 60s")
    @pytest.mark.budget("list.idle", "count == 100", "errors == 0")
    @pytest.mark.budget("list.during", "count >= 5", "errors == 0")
    @pytest.mark.budget("list.after", "count == 100", "errors == 0", "p50 < 2 * p50(list.idle)")
    async def test_system_performance_under_load(self, archive: Archive, editor: Caller) -> None:
        """In five rounds: what the machine does besides meets idle and loaded times alike."""
        callers = [editor] * CLIENTS
        await load(callers, 1, "warming")
        for _ in range(5):
            await listed(archive, "list.idle", 20)
            async with probe.operation("load"), asyncio.TaskGroup() as group:
                working = group.create_task(load(callers, 1))
                while not working.done():
                    await listed(archive, "list.during", 1)
            await listed(archive, "settling", 10)  # a busy machine makes those wait who have just had much
            await listed(archive, "list.after", 20)

    @pytest.mark.requirement("4.2.1", "ARCHIVE-PERF-3")
    @pytest.mark.budget("list.idle", "count == 60", "errors == 0")
    @pytest.mark.budget("list.beside", "count == 60", "errors == 0", "p50 < 2 * p50(list.idle)")
    @pytest.mark.budget("request.paced", "count >= 40", "errors == 0")
    async def test_list_is_not_held_up_by_clients_at_a_steady_pace(
        self, archive: Archive, editor: Caller
    ) -> None:
        vods = [await editor.create("Paced") for _ in range(CLIENTS)]
        await listed(archive, "warming", 10)

        async def work(vod: Vod, ended: asyncio.Event) -> None:
            """One request, and then the time that a user takes to look at the answer."""
            while not ended.is_set():
                async with probe.operation("request.paced"):
                    await editor.vod(vod.id)
                try:
                    async with asyncio.timeout(PERIOD):
                        await ended.wait()
                except TimeoutError:
                    pass

        for _ in range(6):
            await listed(archive, "list.idle", 10)
            ended = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for number, vod in enumerate(vods):
                    group.create_task(_later(number * PERIOD / CLIENTS, work(vod, ended)))
                for _ in range(10):
                    await asyncio.sleep(0.02)
                    await listed(archive, "list.beside", 1)
                ended.set()

    @pytest.mark.requirement("4.2.1")
    @pytest.mark.budget("operation", "count == 40", "errors == 0")
    @budget_of_the_service("request", "count == 120", "errors == 0")
    async def test_all_that_was_acknowledged_is_there(self, archive: Archive, editor: Caller) -> None:
        before = await archive.stack.database.rows(
            "SELECT count(*) FROM vods WHERE title = 'Under load' AND status = 'processing' AND version = 2"
        )
        await load([editor] * CLIENTS, 2)
        after = await archive.stack.database.rows(
            "SELECT count(*) FROM vods WHERE title = 'Under load' AND status = 'processing' AND version = 2"
        )
        assert after[0][0] == before[0][0] + 40


class TestConcurrentUsers:
    @pytest.mark.requirement("4.2.2", "1.1.3", "ARCHIVE-CREATE-1")
    @pytest.mark.budget("create", "count == 20", "peak == 20", "errors == 0")
    @pytest.mark.budget("list", "count == 30", "peak == 30", "errors == 0")
    async def test_concurrent_access_scenarios(self, archive: Archive, editor: Caller) -> None:
        title = uuid.uuid4().hex
        before = (await archive.anyone.page()).total
        creating, listing = probe.together("creating", 20), probe.together("listing", 30)

        async def create(number: int) -> str:
            async with probe.operation("create"):
                await creating
                return (await editor.create(f"{title} {number}")).id

        made = await asyncio.gather(*map(create, range(20)))
        assert len(set(made)) == 20

        async def look() -> tuple[int, tuple[str, ...]]:
            async with probe.operation("list"):
                await listing
                page = await archive.anyone.page(limit=20)
                return page.total, tuple(vod.id for vod in page.vods)

        seen = set(await asyncio.gather(*(look() for _ in range(30))))
        assert len(seen) == 1  # all the same, in the same order
        total, newest = seen.pop()
        assert total == before + 20
        assert set(newest) == set(made)

    @pytest.mark.requirement("4.2.2", "1.1.3")
    @pytest.mark.budget("tag.add", "count == 10", "peak == 10", "errors == 0")
    async def test_no_update_of_many_users_is_lost(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create()
        together = probe.together("editing", 10)

        async def add(tag: str) -> None:
            async with probe.operation("tag.add"):
                await together
                while True:
                    seen = await archive.anyone.vod(vod.id)
                    change = {"tags": [*seen.tags, tag], "version": seen.version}
                    response = await editor.send("PUT", f"/api/vod/{vod.id}", json=change)
                    if response.status_code == 200:
                        return
                    assert response.json()["error"]["type"] == "Conflict"

        await asyncio.gather(*(add(f"tag-{number}") for number in range(10)))
        after = await editor.vod(vod.id)
        assert sorted(after.tags) == [f"tag-{number}" for number in range(10)]
        assert after.version == 11

    @pytest.mark.requirement("4.2.2")
    async def test_each_of_many_users_is_who_they_are(self, archive: Archive) -> None:
        newcomers = await asyncio.gather(*(archive.newcomer() for _ in range(15)))

        async def who(caller: Caller) -> list[str]:
            return [(await caller.ask("GET", "/api/account"))["id"] for _ in range(4)]

        answers = await asyncio.gather(*(who(caller) for _, caller in newcomers))
        assert answers == [[user.id] * 4 for user, _ in newcomers]

    @pytest.mark.requirement("4.2.2", "1.2.3")
    async def test_of_many_uploads_to_one_video_one_is_there_whole(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await editor.create()
        contents = [bytes([number]) * 300_000 for number in range(1, 6)]
        await asyncio.gather(*(editor.upload(vod.id, content) for content in contents))
        kept = (await archive.anyone.download(vod.id)).content
        assert kept in contents
        now = await archive.anyone.vod(vod.id)
        assert [file.name for file in archive.media(now).parent.iterdir()] == [now.checksum]


async def _later(seconds: float, work: Awaitable[None]) -> None:
    """So that the callers are spread over their period."""
    await asyncio.sleep(seconds)
    await work
