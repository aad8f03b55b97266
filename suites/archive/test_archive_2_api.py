"""2.1: the interface over HTTP, each route with its roles."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from archive_recordings import recording
from archive_support import PASSWORD, Archive, Caller, Refusal, budget_of_the_service
from vodshelf import scc

if TYPE_CHECKING:
    from vodshelf.parts import Parts

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


class TestVodEndpoints:
    @pytest.mark.requirement("2.1.1", "1.2.1")
    @budget_of_the_service("request", "count == 6", "errors == 0")
    async def test_api_service_integration(self, parts: Parts, editor: Caller) -> None:
        body = {"title": "A parade", "file_name": "parade.wav"}
        response = await editor.send("POST", "/api/vod/create", json=body)
        assert response.status_code == 201
        vod_id = response.json()["id"]

        response = await editor.send("GET", f"/api/vod/{vod_id}")
        assert response.status_code == 200
        assert response.json()["title"] == "A parade"

        response = await editor.send("PUT", f"/api/vod/{vod_id}", json={"status": "processing"})
        assert response.status_code == 200
        assert (await parts.vods.get(vod_id)).status == "processing"
        assert (await parts.vods.load(vod_id)).owner == editor.name

        assert (await editor.send("PUT", f"/api/vod/{vod_id}", json={"status": "failed"})).status_code == 200
        assert (await editor.send("DELETE", f"/api/vod/{vod_id}")).status_code == 204
        assert (await editor.send("GET", f"/api/vod/{vod_id}")).status_code == 404

    @pytest.mark.requirement("2.1.1")
    async def test_list_is_cut_into_pages(self, archive: Archive, editor: Caller) -> None:
        made = [(await editor.create(f"Page {number}")).id for number in range(4)]
        page = await archive.anyone.page(limit=2)
        following = await archive.anyone.page(limit=2, offset=2)
        assert [vod.id for vod in (*page.vods, *following.vods)] == made[::-1]
        assert page.total >= 4
        failed = await archive.anyone.page(status="failed")
        assert all(vod.status == "failed" for vod in failed.vods)

    @pytest.mark.requirement("2.1.1", "1.1.2")
    async def test_import_is_all_or_nothing(self, archive: Archive, editor: Caller) -> None:
        title, reference = uuid.uuid4().hex, f"ref-{uuid.uuid4().hex}"
        vods: list[dict[str, Any]] = [{"title": title, "file_name": f"{n}.wav"} for n in range(3)]
        vods[2]["reference"] = reference
        made = await editor.ask("POST", "/api/vod/import", {"vods": vods})
        assert [vod["file_name"] for vod in made["vods"]] == ["0.wav", "1.wav", "2.wav"]
        with pytest.raises(Refusal, match=f"409 Conflict: .*{reference}"):
            await editor.ask("POST", "/api/vod/import", {"vods": vods})
        rows = await archive.stack.database.rows(f"SELECT count(*) FROM vods WHERE title = '{title}'")
        assert rows == [(3,)]

    @pytest.mark.requirement("2.1.1", "1.2.3")
    async def test_media_come_back_as_they_went(self, archive: Archive, editor: Caller) -> None:
        vod, content = await editor.create(file_name="mañana & 100%.wav"), recording("A MORNING")
        checksum = hashlib.sha256(content).hexdigest()
        vod = await editor.upload(vod.id, content, **{"X-Checksum-SHA256": checksum})
        assert (vod.size, vod.checksum) == (len(content), checksum)
        response = await archive.anyone.download(vod.id)
        assert response.content == content
        assert response.headers["ETag"] == f'"{checksum}"'
        assert response.headers["Content-Disposition"].endswith("UTF-8''ma%C3%B1ana%20%26%20100%25.wav")

    @pytest.mark.requirement("2.1.1", "1.2.3")
    @pytest.mark.parametrize(
        ("asked", "status", "part"),
        [
            ("bytes=0-9", 206, slice(0, 10)),
            ("bytes=100-", 206, slice(100, None)),
            ("bytes=-20", 206, slice(-20, None)),
            ("bytes=0-99999999", 206, slice(None)),
            ("bytes=9-3", 200, slice(None)),
            ("bytes=-", 200, slice(None)),
            ("lines=1-2", 200, slice(None)),
        ],
    )
    async def test_part_of_the_media(
        self, archive: Archive, editor: Caller, asked: str, status: int, part: slice
    ) -> None:
        vod, content = await editor.create(), recording("IN PARTS")
        await editor.upload(vod.id, content)
        response = await archive.anyone.download(vod.id, Range=asked)
        assert response.status_code == status
        assert response.content == content[part]
        if status == 206:
            begin = len(content[: part.start]) if part.start else 0
            expected = f"bytes {begin}-{begin + len(response.content) - 1}/{len(content)}"
            assert response.headers["Content-Range"] == expected

    @pytest.mark.requirement("2.1.1", "1.2.3")
    async def test_download_that_has_begun_is_not_mixed_with_other_media(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await editor.create()
        old, new = b"a" * 3_000_000, b"b" * 2_000_000
        await editor.upload(vod.id, old)
        async with archive.http.stream("GET", f"/api/vod/{vod.id}/media") as response:
            pieces = response.aiter_bytes(65_536)
            received = await anext(pieces)
            await editor.upload(vod.id, new)
            async for piece in pieces:
                received += piece
        assert received == old
        assert (await archive.anyone.download(vod.id)).content == new
        kept = archive.stack.files / "media" / vod.id
        assert [file.name for file in kept.iterdir()] == [hashlib.sha256(new).hexdigest()]


class TestTranscription:
    @pytest.mark.requirement("2.1.2", "1.2.2")
    @budget_of_the_service("transcription", "count == 1", "errors == 0")
    async def test_transcription_is_asked_for_and_followed(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create()
        await editor.upload(vod.id, recording("FOLLOW ME"))
        task = await editor.transcribe(vod.id)
        assert (task.vod, task.status, task.attempts) == (vod.id, "pending", 0)
        ended = await editor.task_ended(task.id)
        assert (ended.status, ended.attempts, ended.error) == ("completed", 1, None)
        found = await archive.anyone.ask("GET", f"/api/vod/{vod.id}/transcription")
        assert (found["status"], found["captions"], found["task"]) == ("completed", 1, task.id)
        history = await archive.anyone.ask("GET", f"/api/vod/{vod.id}/history")
        assert history["history"][-2:] == ["processing", "completed"]

    @pytest.mark.requirement("2.1.2")
    async def test_captions_and_their_summary(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.spoken(recording("ONE TWO", "THREE"))
        response = await archive.anyone.send("GET", f"/api/vod/{vod.id}/captions")
        assert response.headers["Content-Type"].startswith("text/x-scc")
        assert [caption.text for caption in scc.read(response.text)] == ["ONE TWO", "THREE"]
        summary = await archive.anyone.ask("GET", f"/api/vod/{vod.id}/summary")
        assert (summary["captions"], summary["words"]) == (2, 3)
        file = await editor.send("GET", f"/api/files/captions/{vod.id}.scc")
        assert file.text == response.text

    @pytest.mark.requirement("2.1.2", "2.2.1")
    async def test_what_has_no_media_or_is_busy_is_not_transcribed(self, editor: Caller) -> None:
        vod = await editor.create()
        with pytest.raises(Refusal, match="409 Conflict: the video has no media yet"):
            await editor.transcribe(vod.id)
        with pytest.raises(Refusal, match="404 NotFound: the video has no transcription yet"):
            await editor.captions(vod.id)
        await editor.upload(vod.id, recording("BUSY"))
        await editor.update(vod.id, status="processing")
        with pytest.raises(
            Refusal, match="409 Conflict: a video that is processing cannot become processing"
        ):
            await editor.transcribe(vod.id)
        with pytest.raises(Refusal, match="409 Conflict: the media of a video that is processing stay"):
            await editor.upload(vod.id, recording("TOO LATE"))
        assert (await editor.download(vod.id)).content == recording("BUSY")

    @pytest.mark.requirement("2.1.2")
    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"no recording", "the media are no recording"),
            (recording("HELLO")[:-100], "the recording is cut"),
            (recording("HELLO")[:20], "the media are no recording"),
        ],
        ids=["no recording", "cut", "header only"],
    )
    async def test_media_of_which_nothing_can_be_made(
        self, editor: Caller, content: bytes, error: str
    ) -> None:
        vod = await editor.create()
        await editor.upload(vod.id, content)
        ended = await editor.task_ended((await editor.transcribe(vod.id)).id)
        assert (ended.status, ended.attempts) == ("failed", 1)
        assert str(ended.error).startswith(error)
        assert (await editor.vod(vod.id)).status == "failed"


class TestAuthentication:
    @pytest.mark.requirement("2.1.3")
    async def test_login_gives_a_token_that_opens_the_account(self, archive: Archive) -> None:
        user = await archive.register()
        caller = await archive.login(user.name, PASSWORD)
        account = await caller.ask("GET", "/api/account")
        assert (account["id"], account["name"], account["role"]) == (user.id, user.name, "viewer")
        assert "password" not in account

    @pytest.mark.requirement("2.1.3", "3.2.2")
    async def test_logout_ends_this_session_only(self, archive: Archive) -> None:
        user, one = await archive.newcomer()
        other = await archive.login(user.name, PASSWORD)
        await one.ask("POST", "/api/auth/logout")
        with pytest.raises(Refusal, match="401 NotAuthenticated: the session has ended"):
            await one.ask("GET", "/api/account")
        assert (await other.ask("GET", "/api/account"))["id"] == user.id

    @pytest.mark.requirement("2.1.3", "3.2.2")
    async def test_logout_everywhere_ends_them_all(self, archive: Archive, viewer: Caller) -> None:
        callers = [viewer, *[await archive.login(viewer.name, PASSWORD) for _ in range(2)]]
        assert await viewer.ask("POST", "/api/auth/logout-everywhere") == {"ended": 3}
        for caller in callers:
            with pytest.raises(Refusal, match="401"):
                await caller.ask("GET", "/api/account")

    @pytest.mark.requirement("2.1.3")
    async def test_changed_password_puts_out_who_knew_the_old(self, archive: Archive, viewer: Caller) -> None:
        intruder = await archive.login(viewer.name, PASSWORD)
        with pytest.raises(Refusal, match="401 NotAuthenticated: the old password is wrong"):
            await intruder.ask("PUT", "/api/account/password", {"old": "a guess", "new": "mine from now on"})
        await viewer.ask("PUT", "/api/account/password", {"old": PASSWORD, "new": "something else"})
        with pytest.raises(Refusal, match="401"):
            await intruder.ask("GET", "/api/account")
        with pytest.raises(Refusal, match="401 NotAuthenticated: name or password is wrong"):
            await archive.login(viewer.name, PASSWORD)
        await archive.login(viewer.name, "something else")

    @pytest.mark.requirement("2.1.3")
    async def test_passwords_are_not_kept(self, archive: Archive) -> None:
        one, other = await archive.register(), await archive.register()
        rows = await archive.stack.database.rows(
            f"SELECT password FROM users WHERE id IN ('{one.id}', '{other.id}')"
        )
        kept = [str(password) for (password,) in rows]
        assert all(text.startswith("scrypt$4$") and PASSWORD not in text for text in kept)
        assert len(set(kept)) == 2  # the same password, salted


class TestAdmin:
    @pytest.mark.requirement("2.1.4")
    async def test_role_holds_from_the_next_request_on(self, archive: Archive, admin: Caller) -> None:
        user, caller = await archive.newcomer()
        with pytest.raises(Refusal, match="403 NotAllowed"):
            await caller.create()
        await admin.ask("PUT", f"/api/admin/users/{user.id}", {"role": "editor"})
        await caller.create()
        await admin.ask("PUT", f"/api/admin/users/{user.id}", {"role": "viewer"})
        with pytest.raises(Refusal, match="403 NotAllowed"):
            await caller.create()

    @pytest.mark.requirement("2.1.4")
    async def test_deleted_user_is_out_at_once(self, archive: Archive, admin: Caller) -> None:
        user, caller = await archive.newcomer()
        await admin.ask("DELETE", f"/api/admin/users/{user.id}")
        with pytest.raises(Refusal, match="401 NotAuthenticated"):
            await caller.ask("GET", "/api/account")
        with pytest.raises(Refusal, match="401 NotAuthenticated: name or password is wrong"):
            await archive.login(user.name, PASSWORD)
        with pytest.raises(Refusal, match="404 NotFound: there is no user"):
            await admin.ask("DELETE", f"/api/admin/users/{user.id}")

    @pytest.mark.requirement("2.1.4")
    async def test_overview_counts_what_there_is(self, admin: Caller, editor: Caller) -> None:
        before = await admin.ask("GET", "/api/admin")
        await editor.create()
        await editor.spoken(recording("COUNT ME"))
        after = await admin.ask("GET", "/api/admin")
        for part, status in (("vods", "pending"), ("vods", "completed"), ("tasks", "completed")):
            assert after[part][status] == before[part].get(status, 0) + 1
        names = [user["name"] for user in (await admin.ask("GET", "/api/admin/users"))["users"]]
        assert editor.name in names
        assert len(names) == after["users"]

    @pytest.mark.requirement("2.1.4")
    async def test_last_administrator_stays(self, admin: Caller) -> None:
        users = (await admin.ask("GET", "/api/admin/users"))["users"]
        own = next(user["id"] for user in users if user["name"] == "admin")
        with pytest.raises(Refusal, match="409 Conflict: nobody would be left"):
            await admin.ask("PUT", f"/api/admin/users/{own}", {"role": "viewer"})
        with pytest.raises(Refusal, match="409 Conflict: nobody would be left"):
            await admin.ask("DELETE", f"/api/admin/users/{own}")
        assert (await admin.ask("GET", "/api/account"))["role"] == "admin"

    @pytest.mark.requirement("2.1.4", "1.2.4")
    async def test_failed_task_is_tried_again(self, archive: Archive, admin: Caller, editor: Caller) -> None:
        vod = await editor.create()
        vod = await editor.upload(vod.id, recording("ONCE MORE"))
        media = archive.media(vod)
        hidden = media.rename(media.with_suffix(".hidden"))
        task = await editor.task_ended((await editor.transcribe(vod.id)).id)
        assert task.status == "failed"
        await asyncio.to_thread(hidden.rename, media)
        assert (await admin.ask("POST", f"/api/admin/tasks/{task.id}/retry"))["id"] == task.id
        ended = await editor.task_ended(task.id)
        assert (ended.status, ended.attempts, ended.error) == ("completed", 1, None)  # counted anew
        with pytest.raises(Refusal, match="409 Conflict: only a task that has failed"):
            await admin.ask("POST", f"/api/admin/tasks/{task.id}/retry")
