"""The stand-in's application: shows, and videos that belong to them."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from .records import Airing, Behaviour, Kept, Show

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from .records import Trouble

_TROUBLES: dict[Trouble, tuple[int, bytes]] = {
    "error": (500, b'{"error": "out of tapes"}'),
    "busy": (429, b'{"error": "too many calls"}'),
    "refuse": (422, b'{"error": "not on our channel"}'),
    "garbage": (200, b"<html>a page of somebody else</html>"),
}


class Channel:
    """One behaviour at a time; what is kept stays, whatever the behaviour."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._become(Behaviour())
        self._kept = Kept()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ping", self._guarded(self._ping), methods=["GET"]),
                Route("/shows", self._guarded(self._shows), methods=["GET"]),
                Route("/vods/{vod}", self._guarded(self._put), methods=["PUT"]),
                Route("/vods/{vod}", self._guarded(self._remove), methods=["DELETE"]),
                Route("/control", self._control, methods=["PUT"]),
                Route("/control", self._look, methods=["GET"]),
                Route("/control", self._reset, methods=["DELETE"]),
            ]
        )

    def _guarded(
        self, work: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Callers have to know the key, and meet the trouble whose turn it is."""

        async def handle(request: Request) -> Response:
            self._kept.calls.append(f"{request.method} {request.url.path}")
            if not hmac.compare_digest(request.headers.get("X-Channel-Key", "").encode(), self._key.encode()):
                return Response(b'{"error": "who are you?"}', 401)
            trouble = self._troubles.pop(0) if self._troubles else self._behaviour.always
            if trouble in _TROUBLES:
                status, content = _TROUBLES[trouble]
                return Response(content, status)
            if self._behaviour.latency:
                await asyncio.sleep(self._behaviour.latency)
            if trouble == "hang":
                return await _silence(request)
            answer = await work(request)
            return answer if trouble is None else await _silence(request)

        return handle

    async def _ping(self, _: Request) -> Response:
        return Response(b"{}")

    async def _shows(self, _: Request) -> Response:
        return Response(msgspec.json.encode(self._kept.shows))

    async def _put(self, request: Request) -> Response:
        airing = msgspec.json.decode(await request.body(), type=Airing)
        if airing.show not in {show.id for show in self._kept.shows}:
            return Response(b'{"error": "no such show"}', 404)
        self._kept.airings[request.path_params["vod"]] = airing
        return Response(msgspec.json.encode(airing))

    async def _remove(self, request: Request) -> Response:
        self._kept.airings.pop(request.path_params["vod"], None)
        return Response(b"{}")

    async def _control(self, request: Request) -> Response:
        try:
            self._become(msgspec.json.decode(await request.body(), type=Behaviour))
        except msgspec.DecodeError as error:
            return Response(str(error), 400)
        return await self._look(request)

    async def _look(self, _: Request) -> Response:
        return Response(msgspec.json.encode(self._kept))

    async def _reset(self, request: Request) -> Response:
        """Forget everything; the body names the shows that there are from now on."""
        shows = msgspec.json.decode(await request.body(), type=list[str])
        self._become(Behaviour())
        self._kept = Kept([Show(number, name) for number, name in enumerate(shows, 1)])
        return await self._look(request)

    def _become(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._troubles = list(behaviour.troubles)


async def _silence(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=500)
