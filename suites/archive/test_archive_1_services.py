"""1.2: videos, transcriptions and files, each service with its real database and its real folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest
from archive_recordings import recording
from archive_support import Archive, Caller, in_pieces
from vodshelf import scc
from vodshelf.errors import Conflict, NotFound, StorageError, TooLarge, ValidationError
from vodshelf.files import FileStore, captions_of
from vodshelf.parts import Parts, open_parts
from vodshelf.records import NEXT, NewVod, VodChange
from vodshelf.settings import Settings
from vodshelf.summary import summarized

if TYPE_CHECKING:
    from pathlib import Path

    from archive_stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


def held(root: Path) -> set[str]:
    """Every file below the folder."""
    return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}


class TestVodService:
    @pytest.mark.requirement("1.2.1", "1.1.1")
    async def test_database_service_integration(self, parts: Parts, shared_stack: Stack) -> None:
        vod = await parts.vods.create(NewVod("A quiet street", "street.wav"), "someone")
        found = await parts.vods.get(vod.id)
        assert (found.title, found.status) == ("A quiet street", "pending")

        await parts.vods.update(vod.id, VodChange(status="processing"))

        assert (await parts.vods.get(vod.id)).status == "processing"
        async with open_parts(msgspec.convert(shared_stack.settings, Settings)) as others:
            assert (await others.vods.get(vod.id)).status == "processing"  # another service sees the same
        look = f"SELECT status FROM vods WHERE id = '{vod.id}'"
        assert await shared_stack.database.rows(look) == [("processing",)]
        counts = await parts.vods.counts()
        assert counts["processing"] >= 1
        assert (await parts.vods.page(status="processing", limit=100)).total == counts["processing"]

    @pytest.mark.requirement("1.2.1")
    async def test_states_follow_each_other_as_they_should(self, parts: Parts, shared_stack: Stack) -> None:
        for before, after in NEXT.items():
            for wanted in NEXT:
                vod = await parts.vods.create(NewVod("States", "states.wav"), "someone")
                await shared_stack.database.execute(
                    f"UPDATE vods SET status = '{before}' WHERE id = '{vod.id}'"
                )
                try:
                    moved = await parts.vods.update(vod.id, VodChange(status=wanted))
                except Conflict as refusal:
                    assert wanted not in after
                    assert str(refusal) == f"a video that is {before} cannot become {wanted}"
                else:
                    assert wanted in after
                    assert moved.status == wanted
                await shared_stack.database.execute(f"DELETE FROM vods WHERE id = '{vod.id}'")

    @pytest.mark.requirement("1.2.1")
    async def test_change_of_an_older_version_is_refused(self, parts: Parts) -> None:
        vod = await parts.vods.create(NewVod("Versions", "versions.wav"), "someone")
        await parts.vods.update(vod.id, VodChange(title="Second", version=1))
        with pytest.raises(Conflict, match="at version 2, not 1"):
            await parts.vods.update(vod.id, VodChange(title="Third", version=1))
        assert (await parts.vods.load(vod.id)).title == "Second"

    @pytest.mark.requirement("1.2.1")
    async def test_vod_that_is_processing_is_not_removed(self, parts: Parts) -> None:
        vod = await parts.vods.create(NewVod("Busy", "busy.wav"), "someone")
        await parts.vods.update(vod.id, VodChange(status="processing"))
        with pytest.raises(Conflict, match="processing cannot be removed"):
            await parts.vods.delete(vod.id)
        await parts.vods.update(vod.id, VodChange(status="failed"))
        await parts.vods.delete(vod.id)


class TestTranscriptionService:
    @pytest.mark.requirement("1.2.2")
    async def test_captions_say_what_the_media_say(self, editor: Caller, parts: Parts) -> None:
        vod = await editor.spoken(
            recording("GOOD EVENING", "IT’S RAINING AT THE CAFÉ".upper().replace("É", "é"))
        )
        assert vod.status == "completed"
        texts = [caption.text for caption in scc.read(await parts.transcriptions.captions(vod.id))]
        assert texts == ["GOOD EVENING", "IT’S RAINING AT THE CAFé"]
        row = await parts.transcriptions.get(vod.id)
        assert (row.captions, row.unclear, row.media_checksum) == (2, 0, vod.checksum)

    @pytest.mark.requirement("1.2.2")
    async def test_other_media_give_other_captions(self, editor: Caller, parts: Parts) -> None:
        vod = await editor.spoken(recording("BEFORE"))
        first = await parts.transcriptions.captions(vod.id)
        await editor.upload(vod.id, recording("AFTER"))
        await editor.task_ended((await editor.transcribe(vod.id)).id)
        second = await parts.transcriptions.captions(vod.id)
        assert [scc.read(content)[0].text for content in (first, second)] == ["BEFORE", "AFTER"]

    @pytest.mark.requirement("1.2.2")
    async def test_summary_is_read_from_the_captions(self, editor: Caller, parts: Parts) -> None:
        vod = await editor.spoken(recording("THE HARBOUR IS OPEN", "SHIPS LEAVE THE HARBOUR"))
        summary = await parts.transcriptions.summary(vod.id)
        assert (summary.captions, summary.words) == (2, 8)
        assert summary.opening == "THE HARBOUR IS OPEN"
        assert summary.frequent == ["HARBOUR", "LEAVE", "OPEN", "SHIPS"]
        assert summary == summarized(await parts.transcriptions.captions(vod.id))

    @pytest.mark.requirement("1.2.2")
    async def test_silence_has_no_captions(self, editor: Caller, parts: Parts) -> None:
        vod = await editor.spoken(recording(pause=1.0))
        assert (await parts.transcriptions.get(vod.id)).captions == 0
        assert await parts.transcriptions.captions(vod.id) == "Scenarist_SCC V1.0\n"

    @pytest.mark.requirement("1.2.2")
    async def test_media_that_were_changed_on_disk_are_refused(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await editor.create()
        vod = await editor.upload(vod.id, recording("THE TRUTH"))
        archive.media(vod).write_bytes(recording("SOMETHING ELSE"))
        ended = await editor.task_ended((await editor.transcribe(vod.id)).id)
        assert (ended.status, ended.attempts) == ("failed", 1)  # another attempt would not help
        assert ended.error == "the media are not those that were received"
        assert (await editor.vod(vod.id)).status == "failed"


class TestFileService:
    @pytest.fixture
    def files(self, tmp_path: Path) -> FileStore:
        files = FileStore(str(tmp_path / "root"), 1_000)
        files.prepare()
        return files

    @pytest.mark.requirement("1.2.3")
    async def test_what_comes_in_is_kept_under_its_checksum(self, files: FileStore) -> None:
        media = await files.receive("v", in_pieces(b"one", b"two"), None)
        assert media.checksum == hashlib.sha256(b"onetwo").hexdigest()
        assert media.size == 6
        assert files.media("v", media.checksum).read_bytes() == b"onetwo"
        assert held(files.root) == {f"media/v/{media.checksum}"}

    @pytest.mark.requirement("1.2.3")
    async def test_what_goes_wrong_leaves_nothing(self, files: FileStore) -> None:
        with pytest.raises(EOFError):
            await files.receive("v", in_pieces(b"one", error=EOFError()), None)
        with pytest.raises(TooLarge, match="media may have 1000 bytes"):
            await files.receive("v", in_pieces(b"x" * 600, b"x" * 600), None)
        with pytest.raises(ValidationError, match="the checksum of what came is"):
            await files.receive("v", in_pieces(b"one"), "0" * 64)
        assert held(files.root) == set()

    @pytest.mark.requirement("1.2.3")
    async def test_replaced_file_is_never_seen_in_part(self, files: FileStore) -> None:
        contents = [bytes([letter]) * 200_000 for letter in b"ab"]
        files.write("captions/x", contents[0])
        done = asyncio.Event()

        async def replace() -> None:
            for number in range(20):
                await asyncio.to_thread(files.write, "captions/x", contents[number % 2])
            done.set()

        seen = set()
        async with asyncio.TaskGroup() as group:
            group.create_task(replace())
            while not done.is_set():
                seen.add(await asyncio.to_thread(files.read, "captions/x"))
        assert seen <= set(contents)
        assert held(files.root) == {"captions/x"}

    @pytest.mark.requirement("1.2.3")
    @pytest.mark.parametrize(
        "path",
        [
            "../secret",
            "captions/../../secret",
            "/etc/passwd",
            "media/../../secret",
            "link",
            "a\0b",
            "captions",
        ],
    )
    async def test_nothing_outside_is_reached(self, files: FileStore, path: str) -> None:
        secret = files.root.parent / "secret"
        secret.write_bytes(b"not yours")
        (files.root / "link").symlink_to(secret)
        with pytest.raises(NotFound):
            files.read(path)

    @pytest.mark.requirement("1.2.3")
    async def test_disk_in_trouble_is_told(self, files: FileStore) -> None:
        files.check()
        (files.root / "partial").rmdir()
        for attempt in (files.check, lambda: files.write("captions/x", b"x")):
            with pytest.raises(StorageError, match="the disk: No such file or directory"):
                attempt()

    @pytest.mark.requirement("1.2.3")
    async def test_start_clears_what_a_kill_left(self, files: FileStore) -> None:
        with subprocess.Popen(["true"]) as gone:
            pass
        (files.root / "partial" / f"{gone.pid}-half").write_bytes(b"of somebody who was killed")
        (files.root / "partial" / f"{os.getpid()}-half").write_bytes(b"of somebody who is at it")
        await files.receive("v", in_pieces(b"whole"), None)
        files.prepare()
        (files.root / "partial" / f"{os.getpid()}-half").unlink()
        assert len(held(files.root)) == 1
        files.write(captions_of("v"), b"some captions")
        files.remove("v")
        assert held(files.root) == set()
