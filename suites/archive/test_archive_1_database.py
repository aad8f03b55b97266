"""1.1: the services on a real database: what they write is there, as a whole, once, and after trouble."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from archive_support import Archive, until
from vodshelf.database import Database, open_database
from vodshelf.errors import AlreadyThere, Conflict, DatabaseError, NotFound, StartError
from vodshelf.records import NewVod, VodChange
from vodshelf.settings import DatabaseSettings

from itdash import probe

if TYPE_CHECKING:
    from pathlib import Path

    from archive_stack import Stack
    from vodshelf.parts import Parts

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


def new(title: str = "A day at sea", reference: str | None = None) -> NewVod:
    return NewVod(title, "sea.wav", ["sea"], reference)


def unique() -> str:
    return f"ref-{uuid.uuid4().hex}"


class TestCrud:
    @pytest.mark.requirement("1.1.1")
    async def test_created_vod_is_a_row(self, parts: Parts, shared_stack: Stack) -> None:
        vod = await parts.vods.create(new(reference=(reference := unique())), "someone")
        rows = await shared_stack.database.rows(
            f"SELECT title, file_name, status, version, owner, tags, reference FROM vods"
            f" WHERE id = '{vod.id}'"
        )
        assert rows == [("A day at sea", "sea.wav", "pending", 1, "someone", '["sea"]', reference)]
        assert await parts.vods.load(vod.id) == vod

    @pytest.mark.requirement("1.1.1")
    async def test_changed_vod_is_changed_and_nothing_else(self, parts: Parts) -> None:
        vod, other = [await parts.vods.create(new(), "someone") for _ in range(2)]
        changed = await parts.vods.update(vod.id, VodChange(title="A night at sea"))
        assert (changed.title, changed.version, changed.tags) == ("A night at sea", 2, ["sea"])
        assert await parts.vods.load(vod.id) == changed
        assert await parts.vods.load(other.id) == other

    @pytest.mark.requirement("1.1.1")
    async def test_removed_vod_takes_all_of_it_along(self, parts: Parts, shared_stack: Stack) -> None:
        vod = await parts.vods.create(new(), "someone")
        await parts.vods.delete(vod.id)
        with pytest.raises(NotFound):
            await parts.vods.get(vod.id)
        for table, column in (("vods", "id"), ("history", "vod_id"), ("tasks", "vod_id")):
            assert not await shared_stack.database.rows(f"SELECT 1 FROM {table} WHERE {column} = '{vod.id}'")

    @pytest.mark.requirement("1.1.1")
    async def test_pages_hold_each_vod_once_newest_first(self, parts: Parts) -> None:
        made = [(await parts.vods.create(new(), "someone")).id for _ in range(5)]
        first, second = await parts.vods.page(limit=3), await parts.vods.page(limit=3, offset=3)
        ids = [vod.id for vod in (*first.vods, *second.vods)]
        assert ids[:5] == made[::-1]
        assert first.total == second.total >= 5
        beyond = await parts.vods.page(limit=3, offset=first.total)
        assert (beyond.vods, beyond.total) == ([], first.total)


class TestTransactions:
    @pytest.mark.requirement("1.1.2")
    async def test_import_that_fails_leaves_nothing(self, parts: Parts, shared_stack: Stack) -> None:
        taken = unique()
        await parts.vods.create(new(reference=taken), "someone")
        before = await shared_stack.database.rows("SELECT count(*) FROM vods")
        title = unique()
        with pytest.raises(Conflict, match="a video with the reference"):
            await parts.vods.create_many([new(title), new(title), new(title, taken)], "someone")
        assert await shared_stack.database.rows("SELECT count(*) FROM vods") == before
        assert not await shared_stack.database.rows(f"SELECT 1 FROM vods WHERE title = '{title}'")

    @pytest.mark.requirement("1.1.2")
    async def test_error_in_the_middle_takes_everything_back(self, parts: Parts) -> None:
        vod = await parts.vods.create(new(), "someone")
        with pytest.raises(RuntimeError, match="a power cut"):
            async with parts.vods.changing(vod.id) as opened:
                await parts.queue.enter(opened.transaction, vod.id)
                opened.move("processing")
                raise RuntimeError("a power cut")
        assert await parts.vods.load(vod.id) == vod
        assert await parts.vods.history(vod.id) == ["pending"]
        async with parts.database.transaction() as transaction:
            assert await transaction.run("SELECT id FROM tasks WHERE vod_id = ?1", vod.id) == []

    @pytest.mark.requirement("1.1.2")
    async def test_change_that_was_refused_leaves_no_version_behind(self, parts: Parts) -> None:
        vod = await parts.vods.create(new(), "someone")
        with pytest.raises(Conflict, match="pending cannot become published"):
            await parts.vods.update(vod.id, VodChange(title="lost", status="published"))
        assert await parts.vods.load(vod.id) == vod

    @pytest.mark.requirement("1.1.2")
    async def test_state_and_history_are_written_together(self, parts: Parts) -> None:
        vod = await parts.vods.create(new(), "someone")
        for status in ("processing", "failed", "archived"):
            vod = await parts.vods.update(vod.id, VodChange(status=status))
        assert await parts.vods.history(vod.id) == ["pending", "processing", "failed", "archived"]
        assert vod.version == 4

    @pytest.mark.requirement("1.1.2")
    async def test_nobody_sees_what_is_not_committed(self, parts: Parts, shared_stack: Stack) -> None:
        vod = await parts.vods.create(new(), "someone")
        async with parts.vods.changing(vod.id) as opened:
            opened.change(title="not yet")
            assert (await parts.vods.load(vod.id)).title == "A day at sea"
            look = f"SELECT version FROM vods WHERE id = '{vod.id}'"
            assert await shared_stack.database.rows(look) == [(1,)]
        assert (await parts.vods.load(vod.id)).title == "not yet"


class TestConcurrency:
    @pytest.mark.requirement("1.1.3")
    @pytest.mark.budget("tag.add", "count == 20", "errors == 0", "peak == 20")
    async def test_no_update_is_lost(self, parts: Parts) -> None:
        vod = await parts.vods.create(NewVod("Tags", "tags.wav"), "someone")
        arrived = probe.together("tags", 20)

        async def add(tag: str) -> int:
            """Read, change, write; once more if somebody else was quicker."""
            refused = 0
            async with probe.operation("tag.add"):
                await arrived
                while True:
                    seen = await parts.vods.load(vod.id)
                    try:
                        change = VodChange(tags=[*seen.tags, tag], version=seen.version)
                        await parts.vods.update(vod.id, change)
                        return refused
                    except Conflict:
                        refused += 1

        refused = await asyncio.gather(*(add(f"tag-{number}") for number in range(20)))
        after = await parts.vods.load(vod.id)
        assert sorted(after.tags) == sorted(f"tag-{number}" for number in range(20))
        assert after.version == 21
        assert sum(refused) > 0  # they really were in each other's way

    @pytest.mark.requirement("1.1.3")
    async def test_of_many_with_one_reference_a_single_one_is_made(self, parts: Parts) -> None:
        reference = unique()
        outcomes = await asyncio.gather(
            *(parts.vods.create(new(reference=reference), "someone") for _ in range(10)),
            return_exceptions=True,
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
        assert len(refused) == 9

    @pytest.mark.requirement("1.1.3")
    async def test_of_many_moves_to_the_same_state_one_comes_about(self, parts: Parts) -> None:
        vod = await parts.vods.create(new(), "someone")
        outcomes = await asyncio.gather(
            *(parts.vods.update(vod.id, VodChange(status="processing")) for _ in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
        assert await parts.vods.history(vod.id) == ["pending", "processing"]

    @pytest.mark.requirement("1.1.3")
    async def test_writers_of_two_processes_share_the_database(self, parts: Parts, archive: Archive) -> None:
        editor = (await archive.newcomer("editor"))[1]
        title = unique()
        await asyncio.gather(
            *(parts.vods.create(new(title), "here") for _ in range(15)),
            *(editor.create(title) for _ in range(15)),
        )
        rows = await archive.stack.database.rows(f"SELECT count(*) FROM vods WHERE title = '{title}'")
        assert rows == [(30,)]


class TestRecovery:
    @pytest.mark.requirement("1.1.4")
    async def test_database_that_was_away_is_used_again(self, frail_stack: Stack, frail: Archive) -> None:
        database = await open_database(_settings(frail_stack))
        try:
            async with frail_stack.database.away():
                with pytest.raises(DatabaseError):
                    await database.read("SELECT count(*) FROM vods")
                with pytest.raises(DatabaseError):
                    async with database.transaction() as transaction:
                        await transaction.run("DELETE FROM tasks WHERE id = 'none'")
            await until(lambda: _reads(database), bool)
        finally:
            await database.close()
        await frail.until_healthy()

    @pytest.mark.requirement("1.1.4", "1.1.2")
    async def test_key_that_is_doubled_is_told_apart_from_trouble(self, parts: Parts) -> None:
        vod = await parts.vods.create(new(), "someone")
        with pytest.raises(AlreadyThere):
            async with parts.database.transaction() as transaction:
                await transaction.run("INSERT INTO history VALUES (?1, 1, 'pending')", vod.id)
        assert await parts.vods.load(vod.id) == vod

    @pytest.mark.requirement("1.1.4")
    @pytest.mark.parametrize("version", [0, 2])
    async def test_database_of_another_version_is_refused(self, tmp_path: Path, version: int) -> None:
        settings = DatabaseSettings(url=f"sqlite://{tmp_path}/archive.db")
        await (await open_database(settings)).close()
        with closing(sqlite3.connect(tmp_path / "archive.db")) as connection, connection:
            connection.execute("UPDATE schema_version SET version = ?", (version,))
        with pytest.raises(StartError, match=f"have version {version}, and this archive needs version 1"):
            await open_database(settings)

    @pytest.mark.requirement("1.1.4")
    async def test_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "archive.db"
        file.write_bytes(b"a shopping list, and a long one, but in no way a database" * 100)
        with pytest.raises(StartError, match="is no SQLite database"):
            await open_database(DatabaseSettings(url=f"sqlite://{file}"))
        with pytest.raises(StartError, match="unable to open database file"):
            await open_database(DatabaseSettings(url=f"sqlite://{tmp_path}/no folder/archive.db"))
        with pytest.raises(StartError, match="no database at 'mysql://x'"):
            await open_database(DatabaseSettings(url="mysql://x"))


def _settings(stack: Stack) -> DatabaseSettings:
    return DatabaseSettings(**stack.settings["database"])


async def _reads(database: Database) -> bool:
    try:
        await database.read("SELECT count(*) FROM vods")
    except DatabaseError:
        return False
    return True
