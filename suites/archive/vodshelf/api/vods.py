"""Videos over HTTP: themselves, their media and captions, their tasks, and where they are shown."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from ..errors import NotFound, StorageError, ValidationError
from ..ranges import requested
from ..records import NewVod, Status, VodChange
from .exchange import Call, Endpoint, answer, nothing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..parts import Parts
    from ..publishing import PublishingService
    from ..records import Vod

_PIECE = 65_536
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{64}")


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    """Which videos are asked for."""

    status: Status | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class Import(msgspec.Struct, forbid_unknown_fields=True):
    vods: Annotated[list[NewVod], Meta(min_length=1, max_length=200)]


class Link(msgspec.Struct, forbid_unknown_fields=True):
    show: int | None = None


class VodApi:
    """Everybody may look, editors may change."""

    def __init__(self, parts: Parts, publishing: PublishingService) -> None:
        self._vods = parts.vods
        self._files = parts.files
        self._queue = parts.queue
        self._transcriptions = parts.transcriptions
        self._publishing = publishing
        self._media_limit = parts.settings.files.media_limit

    def endpoints(self) -> list[Endpoint]:
        vod = "/api/vod/{id}"
        return [
            Endpoint("GET", "/api/vod/list", self._list, None),
            Endpoint("POST", "/api/vod/create", self._create, "editor"),
            Endpoint("POST", "/api/vod/import", self._import, "editor"),
            Endpoint("GET", vod, self._get, None),
            Endpoint("PUT", vod, self._update, "editor"),
            Endpoint("DELETE", vod, self._delete, "editor"),
            Endpoint("GET", f"{vod}/history", self._history, None),
            Endpoint("PUT", f"{vod}/media", self._upload, "editor"),
            Endpoint("GET", f"{vod}/media", self._download, None),
            Endpoint("POST", f"{vod}/transcribe", self._transcribe, "editor"),
            Endpoint("GET", f"{vod}/transcription", self._transcription, None),
            Endpoint("GET", f"{vod}/captions", self._captions, None),
            Endpoint("GET", f"{vod}/summary", self._summary, None),
            Endpoint("GET", "/api/task/{id}", self._task, "viewer"),
            Endpoint("GET", "/api/files/{path:path}", self._file, "viewer"),
            Endpoint("GET", "/api/shows", self._shows, "viewer"),
            Endpoint("POST", f"{vod}/link", self._link, "editor"),
            Endpoint("POST", f"{vod}/publish", self._publish, "editor"),
            Endpoint("POST", f"{vod}/withdraw", self._withdraw, "editor"),
        ]

    async def _list(self, call: Call) -> Response:
        wanted = call.query(Listing)
        return answer(await self._vods.page(wanted.status, wanted.limit, wanted.offset))

    async def _create(self, call: Call) -> Response:
        return answer(await self._vods.create(await call.body(NewVod), call.caller.name), 201)

    async def _import(self, call: Call) -> Response:
        wanted = await call.body(Import)
        return answer({"vods": await self._vods.create_many(wanted.vods, call.caller.name)}, 201)

    async def _get(self, call: Call) -> Response:
        return answer(await self._vods.get(call.id))

    async def _update(self, call: Call) -> Response:
        return answer(await self._vods.update(call.id, await call.body(VodChange)))

    async def _delete(self, call: Call) -> Response:
        await self._vods.delete(call.id)
        await asyncio.to_thread(self._files.remove, call.id)
        return nothing()

    async def _history(self, call: Call) -> Response:
        await self._vods.load(call.id)
        return answer({"history": await self._vods.history(call.id)})

    async def _upload(self, call: Call) -> Response:
        promised = call.request.headers.get("X-Checksum-SHA256")
        if promised is not None and not _CHECKSUM.fullmatch(promised):
            raise ValidationError("X-Checksum-SHA256 has 64 hexadecimal digits")
        await self._vods.load(call.id)
        media = await self._files.receive(call.id, call.chunks(self._media_limit), promised)
        try:
            vod, old = await self._vods.set_media(call.id, media)
        except BaseException:
            await self._discard(call.id, media.checksum)
            raise
        if old is not None and old != media.checksum:
            await asyncio.to_thread(self._files.remove, call.id, old)
        return answer(vod)

    async def _discard(self, vod_id: str, checksum: str) -> None:
        """Remove media that nobody has taken over, unless they are those that the video had before."""
        try:
            known = (await self._vods.load(vod_id)).checksum
        except NotFound:
            known = None
        if known != checksum:
            await asyncio.to_thread(self._files.remove, vod_id, checksum)

    async def _download(self, call: Call) -> Response:
        vod, descriptor = await self._opened(await self._vods.get(call.id))
        assert vod.size is not None
        try:
            part = requested(call.request.headers.get("Range"), vod.size)
        except BaseException:
            os.close(descriptor)
            raise
        begin, end = part or (0, vod.size)
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Length": str(end - begin),
            "ETag": f'"{vod.checksum}"',
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(vod.file_name, safe='')}",
        }
        if part is not None:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{vod.size}"
        return StreamingResponse(
            _pieces(descriptor, begin, end),
            206 if part is not None else 200,
            headers,
            media_type="audio/wav",
        )

    async def _opened(self, vod: Vod) -> tuple[Vod, int]:
        """The media, opened before anything is answered: what is replaced meanwhile is sent to its end."""
        for last in (False, True):
            if vod.checksum is None:
                raise NotFound("the video has no media yet")
            try:
                return vod, os.open(self._files.media(vod.id, vod.checksum), os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:
                if last or not isinstance(error, FileNotFoundError):
                    raise StorageError(f"the media cannot be read: {error.strerror}") from error
            vod = await self._vods.load(vod.id)  # others may have been uploaded in between
        raise AssertionError("the second attempt has an end")

    async def _transcribe(self, call: Call) -> Response:
        return answer(await self._transcriptions.request(call.id), 202)

    async def _transcription(self, call: Call) -> Response:
        return answer(await self._transcriptions.get(call.id))

    async def _captions(self, call: Call) -> Response:
        return Response(await self._transcriptions.captions(call.id), media_type="text/x-scc")

    async def _summary(self, call: Call) -> Response:
        return answer(await self._transcriptions.summary(call.id))

    async def _task(self, call: Call) -> Response:
        return answer(await self._queue.get(call.id))

    async def _file(self, call: Call) -> Response:
        path = call.request.path_params["path"]
        return Response(
            await asyncio.to_thread(self._files.read, path), media_type="application/octet-stream"
        )

    async def _shows(self, _: Call) -> Response:
        return answer({"shows": await self._publishing.shows()})

    async def _link(self, call: Call) -> Response:
        return answer(await self._publishing.link(call.id, (await call.body(Link)).show))

    async def _publish(self, call: Call) -> Response:
        return answer(await self._publishing.publish(call.id))

    async def _withdraw(self, call: Call) -> Response:
        return answer(await self._publishing.withdraw(call.id))


async def _pieces(descriptor: int, begin: int, end: int) -> AsyncIterator[bytes]:
    try:
        while begin < end:
            piece = os.pread(descriptor, min(_PIECE, end - begin), begin)
            if not piece:
                return
            begin += len(piece)
            yield piece
    finally:
        os.close(descriptor)
