"""The service as its clients see it: one WebSocket, and two pages for those who look after it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .broadcaster import POLICY
from .commands import Resume
from .errors import LinkLost

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from .application import Application


class Wire(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which also tells when a client was heard, and can be cut."""

    heard = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.heard = time.monotonic()
        self.app_state = {**self.app_state, "wire": self}

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()  # also the answer to a ping, which no application gets to see
        super().data_received(data)

    def abort(self) -> None:
        self.transport.abort()  # to close it would wait for what the client does not read


class WebSocketLink:
    """A Link over a WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._wire: Wire = websocket.scope["state"]["wire"]

    @property
    def heard(self) -> float:
        return self._wire.heard

    async def receive(self) -> str | bytes:
        try:
            message = await self._websocket.receive()
        except (RuntimeError, OSError) as error:  # RuntimeError: closed from this side
            raise LinkLost(str(error)) from error
        if message["type"] == "websocket.disconnect":
            raise LinkLost(f"closed with {message.get('code')}")
        text: str | None = message.get("text")
        content: bytes = message.get("bytes") or b""
        return content if text is None else text

    async def send(self, text: str) -> None:
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise LinkLost(str(error)) from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise LinkLost(str(error)) from error

    def abort(self) -> None:
        self._wire.abort()


class Web:
    """Routes to the parts."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def routes(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/feed", self.feed),
                Route("/health", self.health),
                Route("/statistics", self.statistics),
            ]
        )

    async def feed(self, websocket: WebSocket) -> None:
        await websocket.accept()
        link = WebSocketLink(websocket)
        try:
            resume = msgspec.convert(dict(websocket.query_params), Resume, strict=False)
        except msgspec.ValidationError as error:
            await link.close(POLICY, str(error)[:120])
            return
        await self._application.broadcaster.serve(resume, link)

    async def health(self, _: Request) -> Response:
        report = msgspec.to_builtins(self._application.report())
        return _json({**report, "started": self._application.started})

    async def statistics(self, _: Request) -> Response:
        return _json(self._application.statistics())


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
