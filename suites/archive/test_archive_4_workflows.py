"""4.1: whole workflows, through every part that they need, and through the failures of each."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from archive_recordings import recording
from archive_support import PASSWORD, Archive, Caller, Refusal, budget_of_the_service, until
from vodshelf import scc
from vodshelf.summary import summarized

from itdash import probe

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

SAID = ("GOOD EVENING AND WELCOME", "THE COUNCIL MET TODAY", "THE COUNCIL WILL MEET AGAIN")


class TestVideos:
    @pytest.mark.requirement("4.1.1")
    @pytest.mark.budget("workflow", "count == 1", "errors == 0")
    @budget_of_the_service("task", "count == 1", "errors == 0")
    @budget_of_the_service("channel.call", "count == 2", "errors == 0")
    async def test_complete_vod_processing_workflow(self, archive: Archive, editor: Caller) -> None:
        async with probe.operation("workflow"):
            vod = await editor.create("City Council, 4 May")
            await editor.upload(vod.id, recording(*SAID))
            task = await editor.transcribe(vod.id)
            seen = []

            async def look() -> str:
                seen.append((await editor.task(task.id)).status)
                return seen[-1]

            await until(look, lambda status: status in ("completed", "failed"))
            assert set(seen) <= {"pending", "processing", "completed"}

            transcription = await editor.ask("GET", f"/api/vod/{vod.id}/transcription")
            assert transcription["status"] == "completed"
            file = archive.stack.files / transcription["output_path"]
            captions = scc.read(file.read_text())
            assert [caption.text for caption in captions] == list(SAID)

            summary = await editor.ask("GET", f"/api/vod/{vod.id}/summary")
            assert summary == msgspec.to_builtins(summarized(file.read_text()))
            assert (summary["captions"], summary["frequent"][0]) == (3, "COUNCIL")

            assert (await editor.ask("POST", f"/api/vod/{vod.id}/link", {}))["show"] == 1
            assert (await editor.ask("POST", f"/api/vod/{vod.id}/publish"))["status"] == "published"
        airing = (await archive.channel.kept()).airings[vod.id]
        assert airing.captions == file.read_text()

    @pytest.mark.requirement("4.1.1", "1.2.2")
    async def test_video_is_processed_anew_with_other_media(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.spoken(recording("A FIRST CUT"), "Harbour News at nine")
        await editor.ask("POST", f"/api/vod/{vod.id}/link", {})
        await editor.ask("POST", f"/api/vod/{vod.id}/publish")
        with pytest.raises(Refusal, match="409 Conflict: the media of a video that is published stay"):
            await editor.upload(vod.id, recording("A SECOND CUT"))
        await editor.ask("POST", f"/api/vod/{vod.id}/withdraw")
        await editor.upload(vod.id, recording("A SECOND CUT"))
        await editor.task_ended((await editor.transcribe(vod.id)).id)
        await editor.ask("POST", f"/api/vod/{vod.id}/publish")
        airing = (await archive.channel.kept()).airings[vod.id]
        assert [caption.text for caption in scc.read(airing.captions)] == ["A SECOND CUT"]

    @pytest.mark.requirement("4.1.1", "1.1.1")
    async def test_removed_video_leaves_nothing_on_disk(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.spoken(recording("GONE TOMORROW"))
        root = archive.stack.files
        assert [str(path.relative_to(root)) for path in root.rglob(f"*{vod.id}*")] != []
        await editor.delete(vod.id)
        assert list(root.rglob(f"*{vod.id}*")) == []
        for path in ("", "/captions", "/media", "/summary"):
            with pytest.raises(Refusal, match="404"):
                await editor.ask("GET", f"/api/vod/{vod.id}{path}")

    @pytest.mark.requirement("4.1.1", "2.1.2")
    async def test_failed_video_is_mended_and_goes_on(self, editor: Caller) -> None:
        vod = await editor.create("Harbour News at ten")
        await editor.upload(vod.id, b"a picture, no recording")
        assert (await editor.task_ended((await editor.transcribe(vod.id)).id)).status == "failed"
        await editor.upload(vod.id, recording("NOW IT WORKS"))
        assert (await editor.task_ended((await editor.transcribe(vod.id)).id)).status == "completed"
        await editor.ask("POST", f"/api/vod/{vod.id}/link", {})
        assert (await editor.ask("POST", f"/api/vod/{vod.id}/publish"))["status"] == "published"


class TestUsers:
    @pytest.mark.requirement("4.1.2", "2.1.3")
    async def test_user_authentication_workflow(self, archive: Archive) -> None:
        user = await archive.register()
        caller = await archive.login(user.name, PASSWORD)
        assert caller.token

        assert (await caller.send("GET", "/api/account")).status_code == 200
        assert (await caller.send("GET", "/api/admin")).status_code == 403

        admin = await archive.admin()
        assert (await admin.send("GET", "/api/admin")).status_code == 200

        await caller.ask("POST", "/api/auth/logout")
        assert (await caller.send("GET", "/api/account")).status_code == 401
        assert (await admin.send("GET", "/api/admin")).status_code == 200

    @pytest.mark.requirement("4.1.2")
    async def test_viewer_becomes_an_editor_and_publishes(self, archive: Archive, admin: Caller) -> None:
        user, caller = await archive.newcomer()
        with pytest.raises(Refusal, match="403"):
            await caller.create()
        await admin.ask("PUT", f"/api/admin/users/{user.id}", {"role": "editor"})
        vod = await caller.spoken(recording("MY FIRST"), "Harbour News, mine")
        assert vod.owner == user.name
        await caller.ask("POST", f"/api/vod/{vod.id}/link", {})
        await caller.ask("POST", f"/api/vod/{vod.id}/publish")
        assert (await archive.anyone.vod(vod.id)).status == "published"

    @pytest.mark.requirement("4.1.2", "3.2.2")
    async def test_two_sessions_of_one_user_live_apart(self, archive: Archive) -> None:
        user = await archive.register()
        first, second = [await archive.login(user.name, PASSWORD) for _ in range(2)]
        assert first.token != second.token
        await first.ask("POST", "/api/auth/logout")
        third = await archive.login(user.name, PASSWORD)
        for caller, status in ((first, 401), (second, 200), (third, 200)):
            assert (await caller.send("GET", "/api/account")).status_code == status


class TestAdmin:
    @pytest.mark.requirement("4.1.3", "2.1.4")
    async def test_administrator_looks_after_an_account(self, archive: Archive, admin: Caller) -> None:
        user, caller = await archive.newcomer()
        await admin.ask("PUT", f"/api/admin/users/{user.id}", {"role": "editor"})
        vod = await caller.create()
        await admin.ask("DELETE", f"/api/admin/users/{user.id}")
        with pytest.raises(Refusal, match="401"):
            await caller.create()
        assert (await archive.anyone.vod(vod.id)).owner == user.name  # what was made stays
        names = [user["name"] for user in (await admin.ask("GET", "/api/admin/users"))["users"]]
        assert user.name not in names
        assert (await archive.register(user.name)).id != user.id

    @pytest.mark.requirement("4.1.3", "1.2.4")
    async def test_administrator_sees_failed_tasks_and_tries_them_again(
        self, archive: Archive, admin: Caller, editor: Caller
    ) -> None:
        vod = await editor.create()
        vod = await editor.upload(vod.id, recording("AGAIN"))
        content = archive.media(vod).read_bytes()
        archive.media(vod).unlink()
        before = (await admin.ask("GET", "/api/admin"))["tasks"].get("failed", 0)
        task = await editor.task_ended((await editor.transcribe(vod.id)).id)
        assert (await admin.ask("GET", "/api/admin"))["tasks"]["failed"] == before + 1
        archive.media(vod).write_bytes(content)
        await admin.ask("POST", f"/api/admin/tasks/{task.id}/retry")
        assert (await editor.task_ended(task.id)).status == "completed"
        assert (await admin.ask("GET", "/api/admin"))["tasks"].get("failed", 0) == before

    @pytest.mark.requirement("4.1.3")
    async def test_administrator_sees_how_the_archive_has_been(self, frail: Archive) -> None:
        admin = await frail.admin()
        before = len((await admin.ask("GET", "/api/admin/health"))["changes"])
        frail.stack.channel.kill()
        await frail.until_failing("channel")
        await asyncio.to_thread(frail.stack.channel.start)
        await frail.until_healthy()
        changes = (await admin.ask("GET", "/api/admin/health"))["changes"][before:]
        seen = [(change["state"], change["failing"]) for change in changes]
        assert ("degraded", ["channel"]) in seen
        assert seen[-1] == ("healthy", [])
        assert [change["at"] for change in changes] == sorted(change["at"] for change in changes)


class TestRecovery:
    @pytest.mark.requirement("4.1.4", "2.2.4", "1.1.4")
    async def test_service_failure_recovery(self, frail: Archive) -> None:
        assert (await frail.health()).status == "healthy"

        async with frail.stack.database.away():
            verdict = await frail.health()
            assert (verdict.status, list(verdict.failing)) == ("degraded", ["database"])
            assert verdict.failing["database"].startswith("DatabaseError: ")
            response = await frail.anyone.send("GET", "/api/vod/list")
            assert response.status_code == 503
            assert response.json()["error"]["type"] == "DatabaseError"

        await frail.until_healthy()
        assert (await frail.anyone.send("GET", "/api/vod/list")).status_code == 200

    @pytest.mark.requirement("4.1.4", "1.2.4")
    async def test_worker_goes_and_comes_back(self, frail: Archive, frail_editor: Caller) -> None:
        frail.stack.worker.kill()
        verdict = await frail.until_failing("workers")
        assert verdict.failing["workers"] == "Unavailable: no worker shows signs of life"
        vod = await frail_editor.create()
        await frail_editor.upload(vod.id, recording("WAITING"))
        task = await frail_editor.transcribe(vod.id)
        assert (await frail_editor.task(task.id)).status == "pending"
        await asyncio.to_thread(frail.stack.worker.start)
        assert (await frail_editor.task_ended(task.id)).status == "completed"
        await frail.until_healthy()

    @pytest.mark.requirement("4.1.4", "1.1.2")
    async def test_killed_interface_leaves_the_archive_whole(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        made: list[str] = []

        async def create_until_it_ends() -> None:
            while True:
                try:
                    made.append((await frail_editor.create("Before the end")).id)
                except Exception:
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(create_until_it_ends())
            await until(lambda: asyncio.sleep(0, len(made)), lambda count: count >= 20)
            frail.stack.api.kill()
        await asyncio.to_thread(frail.stack.api.start)
        async with Archive(frail.stack) as again:
            await again.until_healthy()
            for vod_id in made:
                assert (await again.anyone.vod(vod_id)).title == "Before the end"
            orphans = await frail.stack.database.rows(
                "SELECT count(*) FROM vods LEFT JOIN history ON vod_id = id WHERE vod_id IS NULL"
            )
            assert orphans == [(0,)]

    @pytest.mark.requirement("4.1.4")
    async def test_several_parts_fail_together(self, frail: Archive, frail_editor: Caller) -> None:
        frail.stack.channel.kill()
        frail.stack.worker.kill()
        async with frail.stack.database.away():
            verdict = await frail.until_failing("channel", "workers", "database")
            assert verdict.status == "degraded"
        frail.stack.mend()
        await frail.until_healthy()
        await frail_editor.spoken(recording("ALL IS WELL"))
