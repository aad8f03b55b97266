"""1.2: the queue of tasks, on a database and a Redis at which no other worker looks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
import pytest_asyncio
from archive_recordings import recording
from archive_support import Archive, Caller, in_pieces, until
from vodshelf import scc
from vodshelf.errors import LeaseLost, StorageError
from vodshelf.parts import Parts, open_parts
from vodshelf.records import NewVod
from vodshelf.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from archive_stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


class TestQueueService:
    @pytest_asyncio.fixture
    async def quiet(self, shared_stack: Stack, tmp_path: Path) -> AsyncIterator[Parts]:
        """Services on a database and a queue at which no worker looks."""
        settings = msgspec.convert(shared_stack.settings, Settings)
        settings = msgspec.structs.replace(
            settings,
            database=msgspec.structs.replace(settings.database, url=f"sqlite://{tmp_path}/queue.db"),
            store=msgspec.structs.replace(settings.store, prefix=f"{settings.store.prefix}:{tmp_path.name}"),
            tasks=msgspec.structs.replace(settings.tasks, attempts=2, lease=0.05, pause=0.001),
        )
        async with open_parts(settings) as parts:
            yield parts

    @pytest_asyncio.fixture
    async def task(self, quiet: Parts) -> str:
        """A task that waits."""
        vod = await quiet.vods.create(NewVod("Queue", "queue.wav"), "someone")
        async with quiet.vods.changing(vod.id) as opened:
            opened.move("processing")
            task = await quiet.queue.enter(opened.transaction, vod.id)
        await quiet.queue.ring(task.id)
        return task.id

    @pytest.mark.requirement("1.2.4")
    async def test_task_is_handed_out_once(self, quiet: Parts, task: str) -> None:
        claims = await asyncio.gather(*(quiet.queue.claim(task, f"worker {n}") for n in range(10)))
        taken = [claim for claim in claims if claim is not None]
        assert len(taken) == 1
        seen = await quiet.queue.get(task)
        assert (seen.status, seen.attempts, seen.worker) == ("processing", 1, taken[0].worker)

    @pytest.mark.requirement("1.2.4")
    async def test_bell_that_rings_twice_is_one_task(self, quiet: Parts, task: str) -> None:
        await quiet.queue.ring(task)
        assert await quiet.queue.wait(1.0) == task
        assert await quiet.queue.wait(0.01) is None
        assert await quiet.queue.due() == [task]  # though the bell is gone, the book has it

    @pytest.mark.requirement("1.2.4")
    async def test_failed_attempt_is_followed_by_another_until_there_is_none(
        self, quiet: Parts, task: str
    ) -> None:
        first = await quiet.queue.claim(task, "worker")
        assert first is not None
        await quiet.transcriptions.failed(first, "once", final=False)
        waiting = await quiet.queue.get(task)
        assert (waiting.status, waiting.attempts, waiting.error) == ("pending", 1, "once")
        second = await until(lambda: quiet.queue.claim(task, "worker"), lambda claim: claim is not None)
        assert second is not None
        await quiet.transcriptions.failed(second, "twice", final=False)
        ended = await quiet.queue.get(task)
        assert (ended.status, ended.attempts, ended.error) == ("failed", 2, "twice")
        assert (await quiet.vods.load(ended.vod)).status == "failed"

    @pytest.mark.requirement("1.2.4")
    async def test_who_was_given_up_cannot_end_the_task(self, quiet: Parts, task: str) -> None:
        slow = await quiet.queue.claim(task, "slow")
        assert slow is not None
        assert await until(quiet.queue.abandoned, bool) == [slow]
        await quiet.transcriptions.failed(slow, "its worker was lost", final=False)
        quick = await until(lambda: quiet.queue.claim(task, "quick"), lambda claim: claim is not None)
        assert quick is not None
        with pytest.raises(LeaseLost):
            await quiet.queue.renew(slow)
        with pytest.raises(LeaseLost):
            async with quiet.vods.changing(slow.vod) as opened:
                opened.move("completed")
                await quiet.queue.complete(opened.transaction, slow)
        assert (await quiet.vods.load(slow.vod)).status == "processing"
        async with quiet.database.transaction() as transaction:
            await quiet.queue.complete(transaction, quick)
        assert (await quiet.queue.get(task)).status == "completed"

    @pytest.mark.requirement("1.2.4")
    async def test_renewed_lease_holds(self, quiet: Parts, task: str) -> None:
        claim = await quiet.queue.claim(task, "worker")
        assert claim is not None
        await until(quiet.queue.abandoned, bool)
        await quiet.queue.renew(claim)
        rows = await quiet.database.read("SELECT lease_until FROM tasks WHERE id = ?1", task)
        assert float(str(rows[0][0])) > time.time() - 0.05

    @pytest.mark.requirement("1.2.4", "1.2.2")
    async def test_second_attempt_makes_what_the_first_could_not(self, quiet: Parts, task: str) -> None:
        vod_id = (await quiet.queue.get(task)).vod
        media = await quiet.files.receive(vod_id, in_pieces(recording("PATIENCE")), None)
        async with quiet.vods.changing(vod_id) as opened:
            opened.change(size=media.size, checksum=media.checksum)
        place = quiet.files.media(vod_id, media.checksum)
        hidden = place.rename(place.with_suffix(".hidden"))

        first = await quiet.queue.claim(task, "worker")
        assert first is not None
        with pytest.raises(
            StorageError, match="the media cannot be read: No such file or directory"
        ) as caught:
            await quiet.transcriptions.carry_out(first)
        await quiet.transcriptions.failed(first, str(caught.value), final=False)
        hidden.rename(place)
        second = await until(lambda: quiet.queue.claim(task, "worker"), lambda claim: claim is not None)
        assert second is not None
        await quiet.transcriptions.carry_out(second)

        ended = await quiet.queue.get(task)
        assert (ended.status, ended.attempts, ended.error) == ("completed", 2, None)
        assert scc.read(await quiet.transcriptions.captions(vod_id))[0].text == "PATIENCE"

    @pytest.mark.requirement("1.2.4")
    async def test_worker_tries_as_often_as_it_may(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create()
        vod = await editor.upload(vod.id, recording("GONE"))
        archive.media(vod).unlink()
        ended = await editor.task_ended((await editor.transcribe(vod.id)).id)
        assert (ended.status, ended.attempts) == ("failed", 3)
        assert ended.error == "the media cannot be read: No such file or directory"
        assert (await editor.vod(vod.id)).status == "failed"
