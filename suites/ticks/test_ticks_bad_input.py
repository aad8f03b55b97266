"""Wrong input, from Redis and from clients: passed over or refused, told, and nobody else is disturbed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
import pytest
from ticks_ear import Ear
from ticks_support import HANG, Client, Feed, Growth, event
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = [pytest.mark.asyncio, pytest.mark.requirement("TICKS-INPUT-1")]

MESSAGES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "malformed"),
    "no JSON": (b"{]", "malformed"),
    "cut off": (event()[:-10], "malformed"),
    "two in one": (event() + event(), "malformed"),
    "no UTF-8": (b'{"type": "pattern\xff"}', "malformed"),
    "nested without end": (b'{"x": ' + b"[" * 30_000, "malformed"),
    "not a number": (event().replace(b"0.9", b"NaN"), "malformed"),
    "a list": (b"[1, 2]", "invalid"),
    "no type": (b'{"pattern": "Doji"}', "invalid"),
    "type of no text": (event(type=7), "invalid"),
    "unknown type": (event(type="rumour"), "unknown_type"),
    "a type of this service": (event(type="part", part="subscriber", status="down"), "unknown_type"),
    "another channel's": (event(type="health", service="x", status="healthy"), "misrouted"),
    "no source": (msgspec.json.encode({"type": "pattern", "sequence": 1, "published": 1}), "invalid"),
    "sequence 0": (event(0), "invalid"),
    "negative sequence": (event(-1), "invalid"),
    "sequence of no number": (event(sequence="1"), "invalid"),  # type: ignore[arg-type]
    "published in the Stone Age": (event(published=-1), "invalid"),
    "more than certain": (event(confidence=1.01), "invalid"),
    "symbol in small letters": (event(symbol="aaa"), "invalid"),
    "symbol without end": (event(symbol="A" * 13), "invalid"),
    "empty pattern": (event(pattern=""), "invalid"),
    "pattern with a line break": (event(pattern="Doji\n"), "invalid"),
    "markup": (event(pattern="<script>"), "invalid"),
    "the star, which is no pattern": (event(pattern="*"), "invalid"),
    "note without end": (event(note="x" * 20_001), "invalid"),
    "too large": (event(note="x" * 70_000), "too_large"),
}


@pytest.mark.requirement("TICKS-SUB-3")
@pytest.mark.parametrize(("content", "reason"), MESSAGES.values(), ids=MESSAGES.keys())
async def test_bad_event_is_passed_over(feed: Feed, content: bytes, reason: str) -> None:
    growth = await Growth.of(feed, "subscriber")
    doji = feed.name("Doji")
    client = await feed.connect("ada", doji, "Doji")
    await feed.raw(content)
    await feed.raw(event(1, source=doji, pattern=doji))
    await client.until_events(1)
    assert [m["pattern"] for m in client.events] == [doji]
    assert await growth.count(f"rejected.{reason}") == 1
    assert await growth.count("accepted.PatternAlert") == 1


async def test_what_is_unknown_in_a_known_event_is_left_out(feed: Feed) -> None:
    doji = feed.name("Doji")
    client = await feed.connect("ada", doji)
    await feed.raw(event(1, source=doji, pattern=doji, n=99, admin=True))
    await client.until_events(1)
    assert client.events[0]["n"] == 1
    assert "admin" not in client.events[0]


@pytest.mark.requirement("TICKS-MEMORY-1")
async def test_ten_megabytes_from_redis(feed: Feed) -> None:
    growth = await Growth.of(feed, "subscriber")
    doji = feed.name("Doji")
    client = await feed.connect("ada", doji)
    for content in (b"x" * 10_000_000, event(note="x" * 10_000_000)):
        await feed.raw(content)
    await feed.raw(event(1, source=doji, pattern=doji))
    await client.until_events(1)
    assert await growth.count("rejected.too_large") == 2
    assert await growth.count("failures") == 0


@pytest.mark.requirement("TICKS-EVENTS-2")
async def test_numbers_that_jump_are_no_reason_to_stop(feed: Feed) -> None:
    doji = feed.name("Doji")
    client = await feed.connect("ada", doji)
    before = (await feed.statistics("subscriber"))["missed"]
    numbers = [1, 10**15, 3, 10**15, 2**63 - 1]
    for number in numbers:
        await feed.raw(event(number, source=doji, pattern=doji))
    await feed.raw(event(2**64, source=doji, pattern=doji))
    await feed.raw(event(1, source=f"{doji}.2", pattern=doji))
    await client.until_events(4)
    # 3 is so far behind 10**15 that nobody remembers whether it came.
    assert client.sequences[:3] == [1, 10**15, 2**63 - 1]
    assert (await feed.statistics("subscriber"))["missed"] > before


COMMANDS: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "malformed"),
    "no JSON": ("subscribe Doji", "malformed"),
    "bytes": (b"\xff\xfe\x00", "malformed"),
    "nested without end": ('{"action": ' + "[" * 30_000, "malformed"),
    "a list": ("[]", "invalid"),
    "no action": ('{"patterns": ["Doji"]}', "invalid"),
    "unknown action": ('{"action": "shutdown"}', "invalid"),
    "no patterns": ('{"action": "subscribe"}', "invalid"),
    "no pattern": ('{"action": "subscribe", "patterns": []}', "invalid"),
    "text for a list": ('{"action": "subscribe", "patterns": "Doji"}', "invalid"),
    "pattern that cannot be": ('{"action": "subscribe", "patterns": ["<b>"]}', "invalid"),
    "lone surrogate": ('{"action": "subscribe", "patterns": ["\\ud800"]}', "malformed"),
    "symbol that cannot be": ('{"action": "subscribe", "patterns": ["x"], "symbols": ["a b"]}', "invalid"),
    "more than certain": ('{"action": "subscribe", "patterns": ["x"], "confidence": 2}', "invalid"),
    "misspelt": ('{"action": "subscribe", "patterns": ["x"], "symbol": ["A"]}', "invalid"),
    "monitor of no truth": ('{"action": "monitor", "on": "yes"}', "invalid"),
}


@pytest.mark.requirement("TICKS-INPUT-2")
@pytest.mark.parametrize(("command", "code"), COMMANDS.values(), ids=COMMANDS.keys())
async def test_bad_command_is_answered(feed: Feed, command: str | bytes, code: str) -> None:
    client = await feed.connect("ada", "Doji")
    await client.websocket.send(command)
    error = await client.until_kind("error")
    assert error["code"] == code
    assert 0 < len(error["message"]) <= 500
    answer = await client.subscribe("Hammer")
    assert set(answer["patterns"]) == {"Doji", "Hammer"}


@pytest.mark.requirement("TICKS-INPUT-2")
async def test_client_that_sends_garbage_only_is_sent_away(small: Feed) -> None:
    noisy, other = await small.connect("noisy"), await small.connect("other", "Doji")
    for _ in range(2):
        for _ in range(2):
            await noisy.websocket.send("?")
        await noisy.subscribe("Doji")  # one that makes sense: the count begins anew
    for _ in range(3):
        with suppress(ConnectionClosed):
            await noisy.websocket.send("?")
    assert await noisy.until_closed() == (1008, "3 messages in a row make no sense")
    await small.alert()
    await other.until_events(1)
    assert other.closed is None


@pytest.mark.requirement("TICKS-INPUT-2")
async def test_client_that_sends_ten_megabytes_is_sent_away(feed: Feed) -> None:
    large, other = await feed.connect("large"), await feed.connect("other", "Doji")
    with suppress(ConnectionClosed):
        await large.websocket.send("x" * 10_000_000)
    assert (await large.until_closed())[0] in (1006, 1009)  # the kernel may cut before the word is read
    await feed.alert()
    await other.until_events(1)


@pytest.mark.requirement("TICKS-INPUT-2")
@pytest.mark.parametrize("said", [b"", b"GET /feed HT", b"\x16\x03\x01\x02\x00", b"\x00" * 1_000], ids=repr)
async def test_connection_that_is_no_websocket_disturbs_nobody(feed: Feed, said: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", feed.app.port)
    try:
        writer.write(said)
        await writer.drain()
        client = await feed.connect("ada", "Doji")
        await feed.alert()
        await client.until_events(1)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.mark.requirement("TICKS-INPUT-2")
async def test_frame_that_breaks_the_protocol_ends_its_connection_only(feed: Feed) -> None:
    broken, other = await feed.connect("broken"), await feed.connect("other", "Doji")
    broken.websocket.transport.write(b"\xff\xff\xff\xff")
    assert (await broken.until_closed())[0] == 1002
    await feed.alert()
    await other.until_events(1)


QUERIES: dict[str, dict[str, Any]] = {
    "nobody": {},
    "empty": {"user": ""},
    "a path": {"user": "../etc"},
    "line break": {"user": "ada\n"},
    "without end": {"user": "a" * 65},
    "NUL": {"user": "a\0b"},
    "negative": {"user": "ada", "after": -1},
    "no number": {"user": "ada", "after": "x"},
}


@pytest.mark.requirement("TICKS-INPUT-2")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
async def test_user_that_cannot_be_is_refused(feed: Feed, query: dict[str, Any]) -> None:
    before = await feed.statistics("broadcaster")
    async with AsyncExitStack() as stack:
        websocket = await feed.open(query)
        stack.push_async_callback(websocket.close)
        client = Client(websocket, "nobody", None)
        client.read()
        code, reason = await client.until_closed()
    assert (code, reason != "") == (1008, True)
    assert (await feed.statistics("broadcaster"))["users"] == before["users"]


async def test_path_that_does_not_exist_is_told(feed: Feed) -> None:
    assert (await feed.http.get(f"{feed.app.url}/nothing")).status_code == 404
    with pytest.raises(InvalidStatus, match="403"):
        await connect(f"ws://127.0.0.1:{feed.app.port}/nothing", proxy=None)


@pytest.mark.requirement("TICKS-RECOVERY-1")
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-5\r\n", b"\x00\xff" * 100, b""])
async def test_server_that_is_no_redis_is_a_failure_like_others(channels: str, answer: bytes) -> None:
    met = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()
        met.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(HANG):
        port = server.sockets[0].getsockname()[1]
        async with Ear(f"redis://127.0.0.1:{port}", channels) as ear:
            met.clear()
            await met.wait()  # it tries again
            assert ear.subscriber.running
    assert ear.statuses == ["degraded", "down"]
