"""Wrong input from clients and from callers: a clear error, and nobody else loses anything by it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from chatfleet.client import Address
from chatfleet.errors import (
    AlreadyMonitoring,
    DuplicateSession,
    FrameTooLarge,
    NotMonitoring,
    ProtocolError,
    Refused,
    UnknownSession,
)
from chatfleet.manager import SessionManager
from chatfleet.protocol import (
    FROM_SERVER,
    MAX_FRAME,
    Answer,
    Complaint,
    Failed,
    FromServer,
    Ok,
    decode,
    read_body,
)
from chatfleet.retry import RetryPolicy
from sessions_support import HANG, NOW, Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chatfleet.server.control import Control


class RawClient:
    """Speaks to the server in bytes, so that it can say what no honest client would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, body: bytes) -> None:
        self.writer.write(len(body).to_bytes(4, "big") + body)

    async def receive(self) -> FromServer | None:
        async with asyncio.timeout(HANG):
            body = await read_body(self.reader)
        return None if body is None else decode(body, FROM_SERVER)


@pytest_asyncio.fixture
async def raw(chat: Address) -> AsyncIterator[RawClient]:
    client = RawClient(*await asyncio.open_connection(*chat))
    yield client
    client.writer.close()


@pytest_asyncio.fixture
async def bystander(manager: SessionManager, server: Control, ledger: Ledger) -> AsyncIterator[None]:
    """A session that monitors before, during and after the test, and must not miss a message by it."""
    manager.add("bystander")
    await manager.start_monitoring("bystander", NOW, ledger.handler("bystander"))
    await server.post("news", "before")
    yield
    await server.post("news", "after")
    await ledger.reach(messages=2)
    assert ledger.texts("bystander") == ["before", "after"]
    assert "monitor.resume" not in manager.status().operations


NO_CALLS = {
    "nothing": b"",
    "not JSON": b"{]",
    "not an object": b"[1, 2, 3]",
    "not UTF-8": b'{"type": "call", "id": 1, "request": "\xff\xfe"',
    "unknown type": b'{"type": "dance", "id": 1}',
    "no id": b'{"type": "call", "request": {"type": "ping"}}',
    "id of a wrong type": b'{"type": "call", "id": "1", "request": {"type": "ping"}}',
    "id below 1": b'{"type": "call", "id": 0, "request": {"type": "ping"}}',
    "field too many": b'{"type": "call", "id": 1, "request": {"type": "ping"}, "x": 1}',
    "nested without end": b"[" * 100_000,
}

BAD_REQUESTS: dict[str, object] = {
    "unknown request": {"type": "dance"},
    "no type": {},
    "no object": 7,
    "field missing": {"type": "history", "channel": "news"},
    "limit too small": {"type": "history", "channel": "news", "limit": 0},
    "limit too large": {"type": "history", "channel": "news", "limit": 101},
    "limit no number": {"type": "history", "channel": "news", "limit": "all"},
    "negative position": {"type": "subscribe", "after": {"news": -1}},
    "channel without a name": {"type": "subscribe", "after": {"": None}},
    "account without a name": {"type": "login", "account": ""},
    "account name too long": {"type": "login", "account": "x" * 65},
}


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander")
@pytest.mark.requirement("7.2", "7.5")
@pytest.mark.parametrize("body", NO_CALLS.values(), ids=NO_CALLS.keys())
async def test_frame_that_is_no_call_gets_a_complaint(raw: RawClient, body: bytes) -> None:
    raw.send(body)
    complaint = await raw.receive()
    assert isinstance(complaint, Complaint)
    assert complaint.text.startswith("malformed frame: ")
    raw.send(b'{"type": "call", "id": 2, "request": {"type": "ping"}}')
    assert await raw.receive() == Answer(2, Ok())


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander")
@pytest.mark.requirement("7.2", "7.5")
@pytest.mark.parametrize("request_", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_bad_request_is_refused_under_its_number(raw: RawClient, request_: object) -> None:
    raw.send(b'{"type": "call", "id": 1, "request": {"type": "login", "account": "raw"}}')
    assert await raw.receive() == Answer(1, Ok())
    raw.send(json.dumps({"type": "call", "id": 9, "request": request_}).encode())
    answer = await raw.receive()
    assert isinstance(answer, Answer)
    assert answer.id == 9
    assert isinstance(answer.result, Failed)
    assert answer.result.code == "bad_request"


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander")
@pytest.mark.requirement("7.2", "7.5")
@pytest.mark.parametrize("size", [MAX_FRAME + 1, 2**32 - 1])
async def test_oversized_frame_ends_only_its_own_connection(raw: RawClient, size: int) -> None:
    raw.writer.write(size.to_bytes(4, "big"))
    assert await raw.receive() == Complaint(f"a frame of {size} bytes, where {MAX_FRAME} are allowed")
    assert await raw.receive() is None


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander")
@pytest.mark.requirement("7.2", "7.5")
async def test_frame_cut_short_ends_only_its_own_connection(raw: RawClient, server: Control) -> None:
    raw.writer.write((100).to_bytes(4, "big") + b'{"type": ')
    await server.until("connected", 2)
    raw.writer.write_eof()
    await server.until("connected", 1)


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander")
async def test_nothing_is_answered_before_the_login(raw: RawClient) -> None:
    raw.send(b'{"type": "call", "id": 1, "request": {"type": "history", "channel": "news", "limit": 1}}')
    raw.send(b'{"type": "call", "id": 2, "request": {"type": "subscribe", "after": {"news": 0}}}')
    answers = [await raw.receive(), await raw.receive()]
    codes = {(a.id, a.result.code) for a in answers if isinstance(a, Answer) and isinstance(a.result, Failed)}
    assert codes == {(1, "login_first"), (2, "login_first")}


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander", "server")
@pytest.mark.requirement("7.1", "7.2")
async def test_callers_mistakes_are_told_at_once(manager: SessionManager, ledger: Ledger) -> None:
    handler = ledger.handler("nobody")
    before = manager.status()
    with pytest.raises(DuplicateSession, match="'bystander' is managed already"):
        manager.add("bystander")
    with pytest.raises(AlreadyMonitoring):
        await manager.start_monitoring("bystander", NOW, handler)
    with pytest.raises(UnknownSession, match="no session of 'stranger'"):
        await manager.scrape("news", account="stranger")
    with pytest.raises(UnknownSession):
        await manager.start_monitoring("stranger", NOW, handler)
    with pytest.raises(UnknownSession):
        await manager.stop_monitoring("stranger")
    with pytest.raises(UnknownSession):
        await manager.remove("stranger")
    with pytest.raises(ValueError, match="limit must be 1 or more, not 0"):
        await manager.scrape("news", limit=0)
    with pytest.raises(ValueError, match="must not be negative"):
        await manager.shutdown(timeout=-1)
    assert manager.status() == before


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander", "server")
@pytest.mark.requirement("7.1", "7.2", "7.5")
async def test_what_the_server_does_not_know_is_refused(manager: SessionManager, ledger: Ledger) -> None:
    manager.add("account")
    handler = ledger.handler("account")
    with pytest.raises(Refused, match="there is no channel 'nowhere'"):
        await manager.scrape("nowhere", account="account")
    with pytest.raises(Refused, match="there is no channel 'nowhere'"):
        await manager.start_monitoring("account", {"news": None, "nowhere": None}, handler)
    with pytest.raises(Refused, match="nothing can follow 500"):
        await manager.start_monitoring("account", {"news": 500}, handler)
    with pytest.raises(Refused, match="bad_request"):
        await manager.start_monitoring("account", {"news": -1}, handler)
    with pytest.raises(ValueError, match="no channel"):
        await manager.start_monitoring("account", {}, handler)
    with pytest.raises(NotMonitoring):
        await manager.stop_monitoring("account")
    status = manager.status()
    assert status.retries == 0
    assert status.load == {"account": 0, "bystander": 0}
    await manager.start_monitoring("account", NOW, handler)


@pytest.mark.asyncio
@pytest.mark.usefixtures("bystander", "server")
@pytest.mark.requirement("7.1", "7.2", "7.5")
async def test_names_that_fit_no_frame_are_never_sent(manager: SessionManager) -> None:
    with pytest.raises(FrameTooLarge):
        await manager.scrape("x" * (MAX_FRAME + 1), account="bystander")
    with pytest.raises(ProtocolError, match="not valid Unicode"):
        await manager.scrape("\ud800", account="bystander")
    manager.add("x" * 65)
    with pytest.raises(Refused, match="bad_request"):
        await manager.scrape("news", account="x" * 65)
    assert await manager.scrape("news", account="bystander", limit=1)


def test_impossible_settings_are_rejected() -> None:
    nowhere = Address("127.0.0.1", 1)
    with pytest.raises(ValueError, match="at least one slot, not 0"):
        SessionManager(nowhere, scrape_limit=0)
    with pytest.raises(ValueError, match="attempts must be 1 or more"):
        RetryPolicy(attempts=0)
    with pytest.raises(ValueError, match="base must lie between"):
        RetryPolicy(base=-1)
    with pytest.raises(ValueError, match="jitter must lie between 0 and 1"):
        RetryPolicy(jitter=2)
    with pytest.raises(ValueError, match="between 0 and the ceiling"):
        RetryPolicy(base=float("nan"))
