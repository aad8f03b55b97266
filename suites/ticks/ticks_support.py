"""What several tests of this suite need: clients, a publisher's orders, waits, budgets."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ticks_processes import App, Publisher

T = TypeVar("T")
Test = TypeVar("Test", bound="Callable[..., object]")
Message: TypeAlias = "dict[str, Any]"

HANG = 20.0
"""Seconds after which a wait is taken for a hang; no measure of anything."""

_DECODER = msgspec.json.Decoder(dict[str, Any])


def budget_of_the_service(operation: str, *budgets: str) -> Callable[[Test], Test]:
    """A budget on what the service's own process measures.

    Under plain pytest nothing records what a child process measures, so there the test gets no such mark.
    """
    if "ITDASH_PROBE" in os.environ:
        return pytest.mark.budget(operation, *budgets)
    return lambda test: test


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Look again and again until what is seen holds; an error tells what was seen last."""
    deadline = asyncio.get_running_loop().time() + HANG
    while not holds(seen := await look()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {HANG:g} s; seen last: {seen}")
        await asyncio.sleep(0.005)
    return seen


class Client:
    """A WebSocket client of one user, which writes down what it is sent."""

    def __init__(self, websocket: ClientConnection, user: str, measured: str | None) -> None:
        self.websocket = websocket
        self.user = user
        self.received: list[Message] = []
        self.frames = 0
        self.closed: tuple[int, str] | None = None
        self.hear: Callable[[Message, float], None] | None = None
        """Called with each event and its latency in seconds."""
        if measured is not None:
            self.hear = lambda _, seconds: probe.record(measured, seconds)
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    def read(self) -> None:
        """Read from now on."""
        self._reader = asyncio.create_task(self._read())

    @property
    def events(self) -> list[Message]:
        """What it got, without what was said about the connection itself."""
        return [m for m in self.received if "n" in m]

    @property
    def sequences(self) -> list[int]:
        """The publisher's numbers of the events."""
        return [m["sequence"] for m in self.events]

    def of(self, kind: str) -> list[Message]:
        return [m for m in self.received if m["type"] == kind]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; looked at after each frame."""
        try:
            async with asyncio.timeout(HANG):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            last = self.received[-3:]
            got = f"{self.user} got {len(self.received)} messages, closed: {self.closed}"
            raise AssertionError(f"{got}, the last {last}"[:2_000]) from None

    async def until_events(self, count: int) -> list[Message]:
        await self.until(lambda: len(self.received) >= count and len(self.events) >= count)
        return self.events

    async def until_kind(self, kind: str, count: int = 1) -> Message:
        """The newest of this type, when there are so many of them."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[-1]

    async def until_closed(self) -> tuple[int, str]:
        await self.until(lambda: self.closed is not None)
        assert self.closed is not None
        return self.closed

    async def say(self, **command: Any) -> None:
        await self.websocket.send(msgspec.json.encode(command).decode())

    async def subscribe(self, *patterns: str, **wanted: Any) -> Message:
        """Subscribe, and wait until that holds."""
        before = len(self.of("subscribed"))
        await self.say(action="subscribe", patterns=patterns, **wanted)
        return await self.until_kind("subscribed", before + 1)

    async def unsubscribe(self, *patterns: str) -> Message:
        before = len(self.of("subscribed"))
        await self.say(action="unsubscribe", patterns=patterns)
        return await self.until_kind("subscribed", before + 1)

    async def monitor(self, on: bool = True) -> None:
        before = len(self.of("subscribed"))
        await self.say(action="monitor", on=on)
        await self.until_kind("subscribed", before + 1)

    async def leave(self) -> None:
        """Say goodbye, and wait for the answer."""
        await self.websocket.close()
        if self._reader is not None:
            await self._reader

    async def vanish(self) -> None:
        """Go without a word; the kernel tells the other side."""
        self.websocket.transport.abort()
        await self.websocket.wait_closed()
        if self._reader is not None:
            await self._reader

    async def _read(self) -> None:
        try:
            while True:
                frame = await self.websocket.recv(decode=False)
                now = time.monotonic_ns()
                self.frames += 1
                for line in frame.split(b"\n"):
                    message = _DECODER.decode(line)
                    self.received.append(message)
                    if self.hear is not None and "published" in message:
                        self.hear(message, (now - message["published"]) / 1e9)
                self._changed.set()
        except ConnectionClosed as error:
            close = error.rcvd
            self.closed = (close.code, close.reason) if close is not None else (1006, "")
            self._changed.set()


class Feed:
    """The service as clients, publishers and those who look after it see it."""

    def __init__(self, app: App, publisher: Publisher) -> None:
        self.app = app
        self.publisher = publisher
        self.prefix: str = app.settings["redis"]["prefix"]
        self.redis: Redis = Redis.from_url(app.settings["redis"]["url"])
        self.http = httpx2.AsyncClient(timeout=HANG, trust_env=False, verify=False)
        self._clients: list[Client] = []
        self._run = uuid.uuid4().hex[:8]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(client.leave() for client in self._clients))
        await self.http.aclose()
        await self.redis.aclose()

    # -- clients --

    def name(self, word: str) -> str:
        """A name for a user or a pattern that no other test uses."""
        return f"{word}-{self._run}"

    async def connect(
        self,
        user: str = "user",
        *patterns: str,
        port: int | None = None,
        measured: str | None = None,
        resume: Client | None = None,
        **query: Any,
    ) -> Client:
        """A client that is welcome, and subscribed to these patterns."""
        name = self.name(user)
        if resume is not None:
            epoch = resume.of("welcome")[-1]["epoch"]
            query |= {"after": max((m["n"] for m in resume.events), default=0), "epoch": epoch}
        client = Client(await self.open({"user": name, **query}, port), name, measured)
        self._clients.append(client)
        client.read()
        await client.until_kind("welcome")
        if patterns:
            await client.subscribe(*patterns)
        return client

    async def leave(self, client: Client) -> None:
        """Have this client go, and wait until the service knows."""
        growth = await Growth.of(self, "broadcaster")
        await client.leave()
        await growth.reach("disconnected", 1)

    async def open(self, query: dict[str, Any], port: int | None = None) -> ClientConnection:
        """A bare connection."""
        url = f"ws://127.0.0.1:{port or self.app.port}/feed?{urlencode(query)}"
        return await connect(url, compression=None, proxy=None, ping_interval=None, open_timeout=HANG)

    # -- publishers --

    async def order(self, do: str, **what: Any) -> dict[str, Any]:
        told = await asyncio.to_thread(self.publisher.order, do, self.prefix, **what)
        assert "error" not in told, told
        return told

    async def send(self, *drafts: Message) -> dict[str, Any]:
        """Publish these events, through the publisher's process."""
        return await self.order("send", drafts=drafts)

    async def alert(self, pattern: str = "Doji", symbol: str = "AAA", **fields: Any) -> dict[str, Any]:
        draft = {"type": "pattern", "pattern": pattern, "symbol": symbol, "confidence": 0.9, **fields}
        return await self.send(draft)

    async def alerts(self, count: int, pattern: str = "Doji", **fields: Any) -> dict[str, Any]:
        draft = {"type": "pattern", "pattern": pattern, "symbol": "AAA", "confidence": 0.9, **fields}
        return await self.send(*[draft] * count)

    async def raw(self, content: bytes, channel: str = "patterns") -> None:
        """Publish bytes, whatever they are."""
        await self.redis.publish(f"{self.prefix}:{channel}", content)

    # -- those who look after it --

    async def health(self) -> dict[str, Any]:
        report: dict[str, Any] = (await self.http.get(f"{self.app.url}/health")).json()
        return report

    async def statistics(self, part: str) -> dict[str, Any]:
        statistics: dict[str, Any] = (await self.http.get(f"{self.app.url}/statistics")).json()[part]
        return statistics

    async def until_status(self, status: str) -> dict[str, Any]:
        return await until(self.health, lambda seen: seen["status"] == status)

    async def until_level(self, name: str, level: int) -> dict[str, Any]:
        return await until(lambda: self.statistics("broadcaster"), lambda seen: seen.get(name, 0) == level)


class Growth:
    """By how much a part's own counts have grown since this object was made."""

    def __init__(self, feed: Feed, part: str, before: dict[str, Any]) -> None:
        self._feed = feed
        self._part = part
        self._before = before

    @classmethod
    async def of(cls, feed: Feed, part: str) -> Self:
        return cls(feed, part, await feed.statistics(part))

    async def count(self, name: str) -> int:
        now = await self._feed.statistics(self._part)
        grown: int = now.get(name, 0) - self._before.get(name, 0)
        return grown

    async def reach(self, name: str, count: int) -> None:
        await until(lambda: self.count(name), lambda grown: grown >= count)


def event(sequence: int = 1, source: str = "test", **fields: Any) -> bytes:
    """A valid alert as it stands on the channel, but for these fields."""
    draft = {
        "type": "pattern", "source": source, "sequence": sequence, "published": time.monotonic_ns(),
        "pattern": "Doji", "symbol": "AAA", "confidence": 0.9,
    }  # fmt: skip
    return msgspec.json.encode(draft | fields)


def ascending(numbers: Iterable[int]) -> bool:
    """Whether each is one more than the one before."""
    numbers = list(numbers)
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
