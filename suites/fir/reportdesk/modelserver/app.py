"""The stand-in's application: writes a report from facts, unless it was told to have a trouble."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from .behaviour import Behaviour, Counts

if TYPE_CHECKING:
    from starlette.requests import Request

    from .behaviour import Trouble

_TROUBLES: dict[Trouble, tuple[int, bytes]] = {
    "error": (500, b'{"error": "out of memory"}'),
    "busy": (429, b'{"error": "too many requests"}'),
    "refuse": (422, b'{"error": "not about that"}'),
    "garbage": (200, b"<html>a page of somebody else</html>"),
    "empty": (200, b'{"text": ""}'),
}


class Question(msgspec.Struct):
    """What is read of a call."""

    title: str
    facts: list[str]
    revision: int


class ModelServer:
    """One behaviour at a time."""

    def __init__(self) -> None:
        self._become(Behaviour())
        self._gate = asyncio.Event()
        self.counts = Counts()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/reports", self._write, methods=["POST"]),
                Route("/control", self._control, methods=["PUT"]),
                Route("/control", self._look, methods=["GET"]),
                Route("/control", self._reset, methods=["DELETE"]),
            ]
        )

    async def _write(self, request: Request) -> Response:
        body = await request.body()
        counts = self.counts
        counts.received += 1
        trouble = self._troubles.pop(0) if self._troubles else self._behaviour.always
        if trouble == "hang":
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response(status_code=500)
        if self._behaviour.gate:
            counts.held += 1
            await self._gate.wait()
            counts.held -= 1
        await asyncio.sleep(self._behaviour.latency)
        if trouble is not None:
            status, content = _TROUBLES[trouble]
            return Response(content, status)
        answer = {"text": written(msgspec.json.decode(body, type=Question))}
        counts.answered += 1
        return Response(msgspec.json.encode(answer))

    async def _control(self, request: Request) -> Response:
        try:
            self._become(msgspec.json.decode(await request.body(), type=Behaviour))
        except msgspec.DecodeError as error:
            return Response(str(error), 400)
        self._gate.set()
        self._gate = asyncio.Event()
        return await self._look(request)

    async def _look(self, _: Request) -> Response:
        return Response(msgspec.json.encode(self.counts))

    async def _reset(self, request: Request) -> Response:
        self._become(Behaviour())
        self._gate.set()
        self._gate = asyncio.Event()
        self.counts = Counts()
        return await self._look(request)

    def _become(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._troubles = list(behaviour.troubles)


def written(question: Question) -> str:
    """A report that shows what it was made from."""
    lines = [f"{question.title} (revision {question.revision})"]
    lines += [f"{number}. {fact}" for number, fact in enumerate(question.facts, 1)]
    lines.append(f"{sum(len(fact.split()) for fact in question.facts)} words in {len(question.facts)} facts")
    return "\n".join(lines)
