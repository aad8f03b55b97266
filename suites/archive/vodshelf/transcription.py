"""Transcriptions: asked for, carried out by a worker, kept as a file of captions and a row beside it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import msgspec

from itdash import probe

from . import media, scc
from .errors import BadMedia, Conflict, NotFound, StorageError
from .files import captions_of
from .records import Transcription
from .summary import Summary, summarized

if TYPE_CHECKING:
    from .database import Database
    from .files import FileStore
    from .records import Task, Vod
    from .tasks import Claim, TaskQueue
    from .vods import VodService

_COLUMNS = "vod_id, task_id, status, output_path, captions, unclear, media_checksum"


class TranscriptionService:
    """From the media of a video to its captions."""

    def __init__(self, database: Database, vods: VodService, files: FileStore, queue: TaskQueue) -> None:
        self._database = database
        self._vods = vods
        self._files = files
        self._queue = queue

    async def request(self, vod_id: str) -> Task:
        """A task for a worker; the video is processing from now on."""
        async with self._vods.changing(vod_id) as opened:
            if opened.vod.checksum is None:
                raise Conflict("the video has no media yet")
            opened.move("processing")
            task = await self._queue.enter(opened.transaction, vod_id)
        await self._queue.ring(task.id)
        return task

    async def retry(self, task_id: str) -> Task:
        """Begin anew with a task that has failed."""
        task = await self._queue.get(task_id)
        async with self._vods.changing(task.vod) as opened:
            await self._queue.retry(opened.transaction, task_id)
            opened.move("processing")
        await self._queue.ring(task_id)
        return await self._queue.get(task_id)

    async def carry_out(self, claim: Claim) -> None:
        """Make the captions; they count together with the end of the task, or not at all."""
        vod = await self._vods.load(claim.vod)
        async with probe.operation("transcription"):
            phrases = await asyncio.to_thread(self._listen, vod)
        captions = [scc.Caption(phrase.start, phrase.end, phrase.text) for phrase in phrases if phrase.text]
        unclear = sum(phrase.unclear for phrase in phrases)
        path = captions_of(vod.id)
        async with self._vods.changing(vod.id) as opened:
            await self._queue.complete(opened.transaction, claim)
            opened.move("completed")
            await opened.transaction.run(
                f"INSERT INTO transcriptions ({_COLUMNS}) VALUES (?1, ?2, 'completed', ?3, ?4, ?5, ?6)"
                " ON CONFLICT (vod_id) DO UPDATE SET task_id = excluded.task_id, status = excluded.status,"
                " output_path = excluded.output_path, captions = excluded.captions,"
                " unclear = excluded.unclear, media_checksum = excluded.media_checksum",
                *(vod.id, claim.task, path, len(captions), unclear, vod.checksum),
            )
            # Only who still has the task gets here, so no file is written by one that was given up.
            await asyncio.to_thread(self._files.write, path, scc.write(captions).encode())

    async def failed(self, claim: Claim, error: str, *, final: bool) -> None:
        """After an attempt that failed: another one, or the end of the task and of the video's processing."""
        if not final and await self._queue.put_back(claim, error):
            return
        async with self._vods.changing(claim.vod) as opened:
            await self._queue.give_up(opened.transaction, claim, error)
            opened.move("failed")

    async def get(self, vod_id: str) -> Transcription:
        """What there is, or NotFound."""
        rows = await self._database.read(f"SELECT {_COLUMNS} FROM transcriptions WHERE vod_id = ?1", vod_id)
        if not rows:
            await self._vods.load(vod_id)
            raise NotFound("the video has no transcription yet")
        return msgspec.convert(
            dict(zip(Transcription.__struct_fields__, rows[0], strict=True)), Transcription
        )

    async def captions(self, vod_id: str) -> str:
        """The content of the SCC file."""
        found = await self.get(vod_id)
        return (await asyncio.to_thread(self._files.read, found.output_path)).decode()

    async def summary(self, vod_id: str) -> Summary:
        return summarized(await self.captions(vod_id))

    def _listen(self, vod: Vod) -> list[media.Phrase]:
        assert vod.checksum is not None
        try:
            content = self._files.media(vod.id, vod.checksum).read_bytes()
        except OSError as error:
            raise StorageError(f"the media cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != vod.checksum:
            raise BadMedia("the media are not those that were received")
        return media.phrases(content)
