"""2.2: every way in which a request can go wrong, and what its caller is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from archive_recordings import recording
from archive_support import PASSWORD, Archive, Caller, Refusal, until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

NOBODY = "0" * 32
PROTECTED = {
    "viewer": [
        ("GET", "/api/account"),
        ("PUT", "/api/account/password"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/logout-everywhere"),
        ("GET", f"/api/task/{NOBODY}"),
        ("GET", "/api/files/captions/x.scc"),
        ("GET", "/api/shows"),
    ],
    "editor": [
        ("POST", "/api/vod/create"),
        ("POST", "/api/vod/import"),
        ("PUT", f"/api/vod/{NOBODY}"),
        ("DELETE", f"/api/vod/{NOBODY}"),
        ("PUT", f"/api/vod/{NOBODY}/media"),
        ("POST", f"/api/vod/{NOBODY}/transcribe"),
        ("POST", f"/api/vod/{NOBODY}/link"),
        ("POST", f"/api/vod/{NOBODY}/publish"),
        ("POST", f"/api/vod/{NOBODY}/withdraw"),
    ],
    "admin": [
        ("GET", "/api/admin"),
        ("GET", "/api/admin/users"),
        ("PUT", f"/api/admin/users/{NOBODY}"),
        ("DELETE", f"/api/admin/users/{NOBODY}"),
        ("POST", f"/api/admin/tasks/{NOBODY}/retry"),
        ("GET", "/api/admin/health"),
    ],
}
"""Every route that needs a role."""


class TestErrorResponses:
    @pytest.mark.requirement("2.2.1")
    @pytest.mark.parametrize(
        "path",
        [
            f"/api/vod/{NOBODY}",
            f"/api/vod/{NOBODY}/media",
            f"/api/vod/{NOBODY}/captions",
            f"/api/vod/{NOBODY}/summary",
            f"/api/vod/{NOBODY}/transcription",
            f"/api/vod/{NOBODY}/history",
            "/api/vod/no-id",
            "/api/nothing",
        ],
    )
    async def test_what_is_not_there_is_404(self, archive: Archive, path: str) -> None:
        with pytest.raises(Refusal, match="404 NotFound: ") as caught:
            await archive.anyone.ask("GET", path)
        assert caught.value.headers["Content-Type"] == "application/json"

    @pytest.mark.requirement("2.2.1")
    async def test_what_does_not_fit_is_409(self, archive: Archive, editor: Caller) -> None:
        user = await archive.register()
        with pytest.raises(Refusal, match=f"409 Conflict: there is a user '{user.name}' already"):
            await archive.register(user.name)
        vod = await editor.create()
        with pytest.raises(Refusal, match="409 Conflict: a video that is pending cannot become published"):
            await editor.update(vod.id, status="published")
        with pytest.raises(Refusal, match="409 Conflict: the video is at version 1, not 7"):
            await editor.update(vod.id, title="x", version=7)

    @pytest.mark.requirement("2.2.1")
    async def test_method_that_is_not_offered_is_405(self, archive: Archive) -> None:
        with pytest.raises(Refusal, match="405 MethodNotAllowed") as caught:
            await archive.anyone.ask("PATCH", "/api/health")
        assert "GET" in caught.value.headers["Allow"]

    @pytest.mark.requirement("2.2.1")
    async def test_range_behind_the_end_is_416(self, archive: Archive, editor: Caller) -> None:
        vod, content = await editor.create(), recording("SHORT")
        await editor.upload(vod.id, content)
        for asked in (f"bytes={len(content)}-", "bytes=-0"):
            with pytest.raises(
                Refusal, match=f"416 RangeNotSatisfiable: the media have {len(content)} bytes"
            ):
                raise Refusal(await archive.anyone.download(vod.id, Range=asked))


class TestValidation:
    @pytest.mark.requirement("2.2.2")
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "missing required field `title`"),
            ({"title": "", "file_name": "a"}, r"length >= 1 - at `\$.title`"),
            ({"title": "x" * 201, "file_name": "a"}, r"length <= 200 - at `\$.title`"),
            ({"title": 7, "file_name": "a"}, r"Expected `str`, got `int` - at `\$.title`"),
            ({"title": "a\nb", "file_name": "a"}, r"matching regex .* - at `\$.title`"),
            ({"title": "a", "file_name": "../a"}, r"matching regex .* - at `\$.file_name`"),
            ({"title": "a", "file_name": "a", "tags": ["No Tag"]}, r"- at `\$.tags\[0\]`"),
            ({"title": "a", "file_name": "a", "reference": "a b"}, r"- at `\$.reference`"),
            ({"title": "a", "file_name": "a", "status": "completed"}, "unknown field `status`"),
            ([], "Expected `object`, got `array`"),
        ],
    )
    async def test_wrong_video_is_refused_with_its_place(
        self, archive: Archive, editor: Caller, body: object, message: str
    ) -> None:
        before = (await archive.anyone.page()).total
        with pytest.raises(Refusal, match=f"422 ValidationError: .*{message}"):
            await editor.ask("POST", "/api/vod/create", body)
        assert (await archive.anyone.page()).total == before

    @pytest.mark.requirement("2.2.2")
    @pytest.mark.parametrize(
        "query",
        [{"limit": 0}, {"limit": 101}, {"limit": "many"}, {"offset": -1}, {"status": "lost"}, {"x": 1}],
    )
    async def test_wrong_query_is_refused(self, archive: Archive, query: dict[str, Any]) -> None:
        with pytest.raises(Refusal, match="422 ValidationError"):
            await archive.anyone.page(**query)

    @pytest.mark.requirement("2.2.2")
    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("ab", PASSWORD),
            ("x" * 41, PASSWORD),
            ("a b c", PASSWORD),
            ("a/b/c", PASSWORD),
            ("someone", "short"),
        ],
    )
    async def test_wrong_account_is_refused(self, archive: Archive, name: str, password: str) -> None:
        with pytest.raises(Refusal, match="422 ValidationError"):
            await archive.register(name, password)

    @pytest.mark.requirement("2.2.2", "1.2.3")
    async def test_upload_with_another_checksum_is_refused(self, editor: Caller) -> None:
        vod = await editor.create()
        with pytest.raises(Refusal, match="422 ValidationError: the checksum of what came is"):
            await editor.upload(vod.id, b"some bytes", **{"X-Checksum-SHA256": "0" * 64})
        with pytest.raises(Refusal, match="422 ValidationError: X-Checksum-SHA256 has 64"):
            await editor.upload(vod.id, b"some bytes", **{"X-Checksum-SHA256": "md5?"})
        assert (await editor.vod(vod.id)).checksum is None


class TestAuthenticationErrors:
    @pytest.mark.requirement("2.2.3", "ARCHIVE-METRIC-4")
    @pytest.mark.parametrize(("method", "path"), [route for routes in PROTECTED.values() for route in routes])
    async def test_route_is_closed_without_a_token(self, archive: Archive, method: str, path: str) -> None:
        with pytest.raises(Refusal, match="401 NotAuthenticated: a token is needed") as caught:
            await archive.anyone.ask(method, path, {})
        assert caught.value.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.requirement("2.2.3", "ARCHIVE-METRIC-4")
    async def test_routes_are_closed_for_lesser_roles(
        self, archive: Archive, viewer: Caller, editor: Caller
    ) -> None:
        before = (await archive.anyone.page()).total
        closed = [(viewer, route) for role in ("editor", "admin") for route in PROTECTED[role]]
        closed += [(editor, route) for route in PROTECTED["admin"]]
        for caller, (method, path) in closed:
            with pytest.raises(Refusal, match=f"403 NotAllowed: .*{caller.name} is"):
                await caller.ask(method, path, {})
        assert (await archive.anyone.page()).total == before

    @pytest.mark.requirement("2.2.3")
    async def test_login_does_not_tell_who_exists(self, archive: Archive) -> None:
        user = await archive.register()
        said = set()
        for name, password in ((user.name, "wrong one"), ("nobody-at-all", PASSWORD), ("", ""), ("\0", "x")):
            with pytest.raises(Refusal) as caught:
                await archive.login(name, password)
            said.add(str(caught.value))
        assert said == {"401 NotAuthenticated: name or password is wrong"}


class TestServiceFailures:
    @pytest.mark.requirement("2.2.4", "1.1.4")
    async def test_database_away_is_503(self, frail: Archive, frail_editor: Caller) -> None:
        vod = await frail_editor.create()
        await frail_editor.vod(vod.id)  # from now on in the cache
        async with frail.stack.database.away():
            with pytest.raises(Refusal, match="503 DatabaseError: ") as caught:
                await frail.anyone.page()
            assert caught.value.headers["Retry-After"] == "1"
            with pytest.raises(Refusal, match="503 DatabaseError: "):
                await frail_editor.create()
            assert await frail.anyone.vod(vod.id) == vod
        await frail.until_healthy()
        assert (await frail.anyone.page()).total >= 1
        assert (await frail_editor.create()).version == 1

    @pytest.mark.requirement("2.2.4")
    async def test_disk_away_is_503(self, frail: Archive, frail_editor: Caller) -> None:
        vod = await frail_editor.create()
        content = recording("STILL HERE")
        await frail_editor.upload(vod.id, content)
        root = frail.stack.files
        hidden = root.rename(root.with_suffix(".hidden"))
        try:
            with pytest.raises(Refusal, match="503 StorageError: the media cannot be read"):
                raise Refusal(await frail.anyone.download(vod.id))
            with pytest.raises(Refusal, match="503 StorageError: the disk"):
                await frail_editor.upload(vod.id, b"other bytes")
            assert (await frail.until_failing("files")).status == "degraded"
            assert await frail.anyone.vod(vod.id)
        finally:
            await asyncio.to_thread(hidden.rename, root)
        await frail.until_healthy()
        assert (await frail.anyone.download(vod.id)).content == content

    @pytest.mark.requirement("2.2.4", "3.2.4")
    async def test_redis_away_is_503_for_writers_and_nothing_for_readers(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        frail.stack.store.kill()
        with pytest.raises(Refusal, match="503 StoreError: Redis: "):
            await frail_editor.create()
        assert await frail.anyone.vod(vod.id) == vod
        assert (await frail.anyone.page(limit=1)).vods == [vod]
        frail.stack.store.start()
        await frail.until_healthy()
        await frail_editor.create()

    @pytest.mark.requirement("2.2.4", "ARCHIVE-INPUT-1")
    async def test_error_of_the_archive_itself_tells_nothing_of_its_inside(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        await frail.stack.database.execute(f"UPDATE vods SET tags = 'no list' WHERE id = '{vod.id}'")
        with pytest.raises(
            Refusal, match=r"500 InternalError: an error of the archive itself; its log has more$"
        ):
            await frail.anyone.vod(vod.id)
        assert "Traceback" in frail.stack.api.complaint()
        await frail.stack.database.execute(f"DELETE FROM vods WHERE id = '{vod.id}'")

    @pytest.mark.requirement("2.2.4", "3.2.2")
    async def test_token_holds_after_redis_was_killed(self, frail: Archive, frail_editor: Caller) -> None:
        await frail_editor.create()
        frail.stack.store.kill()
        frail.stack.store.start()

        async def created() -> bool:
            try:
                await frail_editor.create()
            except Refusal as refusal:
                assert refusal.type == "StoreError"
                return False
            return True

        assert await until(created, bool)
