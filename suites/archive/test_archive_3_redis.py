"""3.2: Redis, with cache, sessions and the bell of the queue: used, killed, frozen and started again."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import msgspec
import pytest
from archive_recordings import recording
from archive_support import PASSWORD, Archive, Caller, Gate, Refusal, budget_of_the_service, until
from vodshelf.errors import StoreError
from vodshelf.parts import Parts, open_parts
from vodshelf.records import NewVod, Task, Vod, VodChange
from vodshelf.settings import Settings

from itdash import probe

if TYPE_CHECKING:
    from archive_stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


class TestCache:
    @pytest.mark.requirement("3.2.1")
    @budget_of_the_service("request", "count == 31", "errors == 0")
    @budget_of_the_service("cache.put", "count == 1")
    async def test_second_reader_is_served_from_the_cache(
        self, archive: Archive, parts: Parts, editor: Caller, shared_stack: Stack
    ) -> None:
        vod = await editor.create()
        for _ in range(30):
            assert await archive.anyone.vod(vod.id) == vod
        with shared_stack.redis() as redis:
            kept = redis.get(parts.cache.key(vod.id))
            assert msgspec.json.decode(str(kept), type=Vod) == vod
            assert 0 < int(str(redis.pttl(parts.cache.key(vod.id)))) <= 300_000

    @pytest.mark.requirement("3.2.1")
    async def test_cache_is_what_is_served(self, archive: Archive, parts: Parts, editor: Caller) -> None:
        vod = await editor.create()
        await archive.anyone.vod(vod.id)
        forged = msgspec.structs.replace(vod, title="from the cache")
        with archive.stack.redis() as redis:
            redis.set(parts.cache.key(vod.id), msgspec.json.encode(forged), px=60_000)
        assert (await archive.anyone.vod(vod.id)).title == "from the cache"
        await editor.update(vod.id, title="from the database")
        assert (await archive.anyone.vod(vod.id)).title == "from the database"

    @pytest.mark.requirement("3.2.1")
    async def test_late_reader_does_not_bring_back_what_was_changed(self, parts: Parts) -> None:
        vod = await parts.vods.create(NewVod("Old", "old.wav"), "someone")
        found, lease = await parts.cache.get(vod.id)
        assert found is None
        assert lease is not None
        await parts.vods.update(vod.id, VodChange(title="New"))
        await parts.cache.put(vod, lease)  # read before the change, put after it
        assert (await parts.vods.get(vod.id)).title == "New"

    @pytest.mark.requirement("3.2.1")
    async def test_nothing_is_cached_while_a_change_is_under_way(self, parts: Parts) -> None:
        vod = await parts.vods.create(NewVod("Old", "old.wav"), "someone")
        async with parts.cache.changing(vod.id):
            assert await parts.cache.get(vod.id) == (None, None)
            async with parts.cache.changing(vod.id):
                pass  # somebody else's change, which ends first
            assert await parts.cache.get(vod.id) == (None, None)
            assert (await parts.vods.get(vod.id)).title == "Old"
        async with parts.vods.changing(vod.id) as opened:
            opened.change(title="New")
            assert (await parts.vods.get(vod.id)).title == "Old"
        assert (await parts.vods.get(vod.id)).title == "New"

    @pytest.mark.requirement("3.2.1")
    async def test_garbage_in_the_cache_is_passed_over(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create()
        with archive.stack.redis() as redis:
            redis.set(archive.stack.key("vod", vod.id), "<html>", px=60_000)
        assert await archive.anyone.vod(vod.id) == vod

    @pytest.mark.requirement("3.2.1", "1.1.3")
    async def test_who_was_told_of_a_change_never_reads_what_was_before(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await editor.create()
        told = vod.version
        ended = asyncio.Event()

        async def read() -> None:
            while not ended.is_set():
                floor = told
                assert (await archive.anyone.vod(vod.id)).version >= floor

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(read())
            for number in range(15):
                told = (await editor.update(vod.id, title=f"Title {number}")).version
            ended.set()


class TestSessions:
    @pytest.mark.requirement("3.2.2")
    async def test_session_is_in_redis_as_long_as_the_token_holds(self, parts: Parts) -> None:
        user = await parts.accounts.register(f"user-{uuid.uuid4().hex[:12]}", PASSWORD)
        login = await parts.accounts.login(user.name, PASSWORD)
        _, session = await parts.accounts.authenticate(login.access_token)
        key = parts.sessions.key(session)
        ttl = await parts.store.call("look", lambda redis: redis.pttl(key))
        assert login.expires_in * 1000 - 60_000 < ttl <= login.expires_in * 1000
        await parts.accounts.logout(user, session)
        assert not await parts.store.call("look", lambda redis: redis.exists(key))

    @pytest.mark.requirement("3.2.2")
    async def test_session_of_one_user_is_not_anothers(self, parts: Parts) -> None:
        session = await parts.sessions.begin("one")
        assert await parts.sessions.holds(session, "one")
        assert not await parts.sessions.holds(session, "another")
        assert await parts.sessions.end_all("another") == 0
        assert await parts.sessions.end_all("one") == 1
        assert not await parts.sessions.holds(session, "one")

    @pytest.mark.requirement("3.2.2", "2.2.3")
    async def test_without_redis_no_token_is_believed(self, frail: Archive) -> None:
        caller = (await frail.newcomer())[1]
        frail.stack.store.kill()
        with pytest.raises(Refusal, match="503 StoreError: Redis: "):
            await caller.ask("GET", "/api/account")
        with pytest.raises(Refusal, match="503 StoreError: Redis: "):
            await frail.login(caller.name, PASSWORD)
        caller.token = "forged.token"
        with pytest.raises(Refusal, match="401 NotAuthenticated: the token was not made here"):
            await caller.ask("GET", "/api/account")


class TestQueue:
    @pytest.mark.requirement("3.2.3", "1.2.4")
    @pytest.mark.budget("task.whole", "count == 12", "errors == 0")
    @budget_of_the_service("task", "count == 12", "peak == 1", "errors == 0")
    async def test_many_tasks_are_each_done_once(self, editor: Caller) -> None:
        async def spoken(number: int) -> tuple[str, Task]:
            vod = await editor.create()
            await editor.upload(vod.id, recording(f"NUMBER {number}"))
            async with probe.operation("task.whole"):
                ended = await editor.task_ended((await editor.transcribe(vod.id)).id)
            return await editor.captions(vod.id), ended

        done = await asyncio.gather(*map(spoken, range(12)))
        assert all((task.status, task.attempts) == ("completed", 1) for _, task in done)
        assert len({captions for captions, _ in done}) == 12

    @pytest.mark.requirement("3.2.3")
    async def test_lost_bell_loses_no_task(self, frail: Archive, frail_editor: Caller) -> None:
        frail.stack.worker.stop()
        vod = await frail_editor.create()
        await frail_editor.upload(vod.id, recording("NOT LOST"))
        task = await frail_editor.transcribe(vod.id)
        with frail.stack.redis() as redis:
            assert redis.zscore(frail.stack.key("queue"), task.id) is not None
            redis.delete(frail.stack.key("queue"))
        await asyncio.to_thread(frail.stack.worker.start)
        assert (await frail_editor.task_ended(task.id)).status == "completed"

    @pytest.mark.requirement("3.2.3", "1.2.4", "4.1.4")
    async def test_task_of_a_killed_worker_is_done_by_another(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        vod = await frail_editor.upload(vod.id, recording("DONE BY ANOTHER"))
        with Gate(frail.media(vod)) as gate:
            task = await frail_editor.transcribe(vod.id)
            await gate.reached()
            assert (await frail_editor.task(task.id)).status == "processing"
            frail.stack.worker.kill()
            gate.restore()
        await frail.until_failing("workers")
        await asyncio.to_thread(frail.stack.worker.start)
        ended = await frail_editor.task_ended(task.id)
        assert (ended.status, ended.attempts) == ("completed", 2)
        await frail.until_healthy()

    @pytest.mark.requirement("3.2.3", "1.2.4")
    async def test_frozen_worker_that_comes_back_changes_nothing(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        vod = await frail_editor.upload(vod.id, recording("ONLY ONCE"))
        with Gate(frail.media(vod)) as gate:
            task = await frail_editor.transcribe(vod.id)
            await gate.reached()
            first = await frail_editor.task(task.id)
            other = frail.stack.new_worker()
            with frail.stack.worker.frozen():
                gate.restore()
                try:
                    await asyncio.to_thread(other.start)
                    ended = await frail_editor.task_ended(task.id)
                finally:
                    await asyncio.to_thread(other.stop)
            gate.open()  # now the first one has read it, too
        vod = await frail_editor.vod(vod.id)
        await frail_editor.spoken(recording("AFTERWARDS"))  # by the one that was frozen, once it is free
        assert (ended.status, ended.attempts) == ("completed", 2)
        assert ended.worker != first.worker
        assert await frail_editor.task(task.id) == ended
        assert await frail_editor.vod(vod.id) == vod


class TestFailureRecovery:
    @pytest.mark.requirement("3.2.4")
    async def test_readers_are_served_while_redis_is_frozen(self, frail: Archive, frail_stack: Stack) -> None:
        settings = msgspec.convert(frail_stack.settings, Settings)
        quick = msgspec.structs.replace(settings.store, timeout=0.1)
        async with open_parts(msgspec.structs.replace(settings, store=quick)) as parts:
            vod = await parts.vods.create(NewVod("Frozen", "frozen.wav"), "someone")
            assert await parts.vods.get(vod.id) == vod
            with frail.stack.store.frozen():
                assert await parts.vods.get(vod.id) == vod
                with pytest.raises(StoreError):
                    await parts.vods.update(vod.id, VodChange(title="Thawed"))
            changed = await until(lambda: _updated(parts, vod.id), bool)
            assert changed is not None
            assert changed.title == "Thawed"
            assert (await parts.vods.get(vod.id)).title == "Thawed"

    @pytest.mark.requirement("3.2.4", "3.2.3")
    async def test_tasks_go_on_after_redis_was_killed(self, frail: Archive, frail_editor: Caller) -> None:
        await frail_editor.spoken(recording("BEFORE"))
        frail.stack.store.kill()
        await frail.until_failing("store", "workers")
        frail.stack.store.start()
        await frail.until_healthy()
        await frail_editor.spoken(recording("AFTER"))

    @pytest.mark.requirement("3.2.4", "3.2.1")
    async def test_cache_that_comes_back_serves_nothing_outdated(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        assert await frail.anyone.vod(vod.id) == vod
        async with open_parts(msgspec.convert(frail.stack.settings, Settings)) as parts:
            async with parts.vods.changing(vod.id) as opened:
                opened.change(title="Changed meanwhile")
                frail.stack.store.kill()  # so the mark is never taken away
            frail.stack.store.start()
            with frail.stack.redis() as redis:
                assert redis.scard(parts.cache.marks(vod.id)) == 1
        assert (await frail.anyone.vod(vod.id)).title == "Changed meanwhile"

    @pytest.mark.requirement("3.2.4")
    async def test_redis_that_lost_everything_costs_sessions_only(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        vod = await frail_editor.create()
        with frail.stack.redis() as redis:
            redis.flushall()
        with pytest.raises(Refusal, match="401 NotAuthenticated: the session has ended"):
            await frail_editor.ask("GET", "/api/account")
        assert await frail.anyone.vod(vod.id) == vod
        again = await frail.login(frail_editor.name, PASSWORD)
        assert (await again.update(vod.id, title="Still here")).version == 2
        await frail.until_healthy()


async def _updated(parts: Parts, vod_id: str) -> Vod | None:
    try:
        return await parts.vods.update(vod_id, VodChange(title="Thawed"))
    except StoreError:
        return None
