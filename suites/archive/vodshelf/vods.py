"""Videos: made, found, changed and removed; every change as a whole or not at all."""

from __future__ import annotations

import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from .errors import AlreadyThere, Conflict, NotFound
from .records import NEXT, NewVod, Status, Vod, VodChange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .cache import VodCache
    from .database import Database, Row, Transaction
    from .files import Media

COLUMNS = "id, title, file_name, status, version, owner, created, tags, reference, size, checksum, show_id"


class Page(msgspec.Struct, frozen=True):
    """Some of the videos, newest first, and how many there are."""

    vods: list[Vod]
    total: int


class Open:
    """A video inside a transaction that has locked it."""

    def __init__(self, vod: Vod, transaction: Transaction) -> None:
        self.vod = vod
        self.transaction = transaction

    def move(self, status: Status) -> None:
        """Change the state, or Conflict."""
        if status not in NEXT[self.vod.status]:
            raise Conflict(f"a video that is {self.vod.status} cannot become {status}")
        self.change(status=status)

    def change(self, **values: object) -> None:
        self.vod = msgspec.structs.replace(self.vod, **values)


class VodService:
    """All that happens to videos."""

    def __init__(self, database: Database, cache: VodCache) -> None:
        self._database = database
        self._cache = cache

    async def create(self, new: NewVod, owner: str) -> Vod:
        return (await self.create_many([new], owner))[0]

    async def create_many(self, new: Sequence[NewVod], owner: str) -> list[Vod]:
        """All of them, or Conflict and none."""
        vods = [_made(one, owner) for one in new]
        async with self._database.transaction() as transaction:
            for vod in vods:
                try:
                    await transaction.run(
                        f"INSERT INTO vods ({COLUMNS})"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                        *_values(vod),
                    )
                except AlreadyThere:
                    raise Conflict(f"there is a video with the reference {vod.reference!r}") from None
                await _remember(transaction, vod)
        return vods

    async def get(self, vod_id: str) -> Vod:
        """The video, from the cache if it is there, or NotFound."""
        found, lease = await self._cache.get(vod_id)
        if found is not None:
            return found
        vod = await self.load(vod_id)
        if lease is not None:
            await self._cache.put(vod, lease)
        return vod

    async def load(self, vod_id: str) -> Vod:
        """The video as the database has it, or NotFound."""
        rows = await self._database.read(f"SELECT {COLUMNS} FROM vods WHERE id = ?1", vod_id)
        if not rows:
            raise _unknown(vod_id)
        return _vod(rows[0])

    async def page(self, status: Status | None = None, limit: int = 20, offset: int = 0) -> Page:
        which, values = ("", ()) if status is None else (" WHERE status = ?1", (status,))
        rows = await self._database.read(
            f"SELECT {COLUMNS}, count(*) OVER () FROM vods{which} ORDER BY created DESC, id"
            f" LIMIT {int(limit)} OFFSET {int(offset)}",
            *values,
        )
        if rows or not offset:
            return Page([_vod(row[:-1]) for row in rows], int(str(rows[0][-1])) if rows else 0)
        total = await self._database.read(f"SELECT count(*) FROM vods{which}", *values)
        return Page([], int(str(total[0][0])))

    async def counts(self) -> dict[str, int]:
        rows = await self._database.read("SELECT status, count(*) FROM vods GROUP BY status")
        return {str(status): int(str(count)) for status, count in rows}

    async def history(self, vod_id: str) -> list[Status]:
        """The states in which the video was, one for each of its versions."""
        rows = await self._database.read(
            "SELECT status FROM history WHERE vod_id = ?1 ORDER BY version", vod_id
        )
        return [msgspec.convert(status, Status) for (status,) in rows]

    async def update(self, vod_id: str, change: VodChange) -> Vod:
        """Change what is given, or Conflict: another state, or another version than the caller has seen."""
        async with self.changing(vod_id) as opened:
            if change.version is not None and change.version != opened.vod.version - 1:
                raise Conflict(f"the video is at version {opened.vod.version - 1}, not {change.version}")
            if change.status is not None:
                opened.move(change.status)
            if change.title is not None:
                opened.change(title=change.title)
            if change.tags is not None:
                opened.change(tags=change.tags)
        return opened.vod

    async def set_media(self, vod_id: str, media: Media) -> tuple[Vod, str | None]:
        """Other media for a video; the checksum of those that it had."""
        async with self.changing(vod_id) as opened:
            if opened.vod.status in ("processing", "published", "archived"):
                raise Conflict(f"the media of a video that is {opened.vod.status} stay as they are")
            old = opened.vod.checksum
            opened.change(size=media.size, checksum=media.checksum)
        return opened.vod, old

    async def delete(self, vod_id: str) -> None:
        """Remove the video and all that the database knows of it."""
        async with self._cache.changing(vod_id), self._database.transaction() as transaction:
            rows = await transaction.run("DELETE FROM vods WHERE id = ?1 RETURNING status", vod_id)
            if not rows:
                raise _unknown(vod_id)
            if rows[0][0] in ("processing", "published"):
                raise Conflict(f"a video that is {rows[0][0]} cannot be removed")

    @asynccontextmanager
    async def changing(self, vod_id: str) -> AsyncIterator[Open]:
        """The video, locked until the end of the block, where what was changed of it is kept."""
        async with self._cache.changing(vod_id), self._database.transaction() as transaction:
            # Raising the version is what locks the row, in every kind of database.
            rows = await transaction.run(
                f"UPDATE vods SET version = version + 1 WHERE id = ?1 RETURNING {COLUMNS}", vod_id
            )
            if not rows:
                raise _unknown(vod_id)
            opened = Open(_vod(rows[0]), transaction)
            yield opened
            vod = opened.vod
            await transaction.run(
                "UPDATE vods SET title = ?2, status = ?3, tags = ?4, size = ?5, checksum = ?6, show_id = ?7"
                " WHERE id = ?1",
                *(vod.id, vod.title, vod.status, _packed(vod.tags), vod.size, vod.checksum, vod.show),
            )
            await _remember(transaction, vod)


async def _remember(transaction: Transaction, vod: Vod) -> None:
    await transaction.run("INSERT INTO history VALUES (?1, ?2, ?3)", vod.id, vod.version, vod.status)


def _made(new: NewVod, owner: str) -> Vod:
    return Vod(
        id=uuid.uuid4().hex,
        title=new.title,
        file_name=new.file_name,
        status="pending",
        version=1,
        owner=owner,
        created=time.time(),
        tags=new.tags,
        reference=new.reference,
    )


def _values(vod: Vod) -> Sequence[str | int | float | None]:
    return (
        *(vod.id, vod.title, vod.file_name, vod.status, vod.version, vod.owner, vod.created),
        *(_packed(vod.tags), vod.reference, vod.size, vod.checksum, vod.show),
    )


def _vod(row: Row) -> Vod:
    values = dict(zip(Vod.__struct_fields__, row, strict=True))
    values["tags"] = msgspec.json.decode(str(values["tags"]))
    return msgspec.convert(values, Vod)


def _packed(tags: Sequence[str]) -> str:
    return msgspec.json.encode(tags).decode()


def _unknown(vod_id: str) -> NotFound:
    return NotFound(f"there is no video {vod_id!r}")
