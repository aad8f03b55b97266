"""A server that answers nonsense, and one that is given nonsense: by its disk, its options, its tests."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chatfleet.client import Address
from chatfleet.errors import ConnectionLost, ProtocolError, Refused
from chatfleet.manager import SessionManager
from chatfleet.protocol import MAX_TEXT, read_body
from chatfleet.retry import RetryPolicy
from chatfleet.server.control import Control
from chatfleet.server.process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from chatfleet.protocol import Message
    from chatfleet.server.commands import Kind, Operation

OK = '{"type": "answer", "id": 1, "result": {"type": "ok"}}'
PAGE = '{"type": "answer", "id": 2, "result": {"type": "page", "messages": [%s]}}'
FLOOD = (
    '{"type": "answer", "id": 2, "result": {"type": "failed", "code": "flood", "text": "", '
    '"retry_after": %d}}'
)
MESSAGE = '{"type": "message", "channel": "news", "sequence": 1, "text": "one"}'


@asynccontextmanager
async def rogue_server(*answers: str, mute: int = 0) -> AsyncIterator[Address]:
    """Grants each connection its login, and answers what comes next with these frames.

    On the first so many connections it answers nothing after the login.
    """
    numbers = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rounds: Iterable[tuple[str, ...]] = ((OK,), () if next(numbers) < mute else answers)
        for frames in rounds:
            if await read_body(reader) is None:
                break
            for frame in frames:
                writer.write(len(frame).to_bytes(4, "big") + frame.encode())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address(*server.sockets[0].getsockname())


async def scrape_from(*answers: str) -> list[Message]:
    """What a scrape of at most one message makes of such a server."""
    retry = RetryPolicy(attempts=2, base=0.01)
    async with rogue_server(*answers) as address, SessionManager(address, retry=retry) as manager:
        manager.add("account")
        try:
            return await manager.scrape("news", limit=1)
        finally:
            status = manager.status()
            assert (status.locked, status.load, status.scrapes_active) == (frozenset(), {"account": 0}, 0)


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2")
@pytest.mark.budget("scrape", "count == 1", "errors == 1")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('{"type": "answer", "id": 2, "result": {"type": "ok"}}', "type Ok, where Page was due"),
        (PAGE % f"{MESSAGE}, {MESSAGE}", "2 messages, where 1 were asked for"),
    ],
)
async def test_wrong_answer_is_an_error_at_once(answer: str, error: str) -> None:
    with pytest.raises(ProtocolError, match=error):
        await scrape_from(answer)


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2")
@pytest.mark.budget("scrape", "count == 2", "errors == 2")
@pytest.mark.parametrize(
    "answer",
    [
        FLOOD % -1,
        '{"type": "answer", "id": -2, "result": {"type": "ok"}}',
        '{"type": "answer", "id": 2, "result": {"type": "dance"}}',
        PAGE % MESSAGE.replace('"sequence": 1', '"sequence": 0'),
        '"\ud83d"'.encode("utf-16", "surrogatepass").decode("latin-1"),
        "",
    ],
    ids=["negative wait", "negative number", "unknown result", "no such message", "no JSON", "empty"],
)
async def test_malformed_answer_costs_the_connection_and_is_tried_again(answer: str) -> None:
    with pytest.raises(ConnectionLost, match="malformed frame"):
        await scrape_from(answer)


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
@pytest.mark.budget("scrape", "count == 1", "errors == 0")
async def test_what_nobody_asked_for_is_passed_over() -> None:
    push = '{{"type": "push", "message": {}}}'.format(MESSAGE.replace("news", "elsewhere"))
    stray = '{"type": "answer", "id": 77, "result": {"type": "ok"}}'
    page = await scrape_from(push, stray, PAGE % MESSAGE)
    assert [message.text for message in page] == ["one"]


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2")
async def test_connection_on_which_nobody_answers_is_replaced() -> None:
    retry = RetryPolicy(attempts=4, base=0.01)
    async with (
        rogue_server(PAGE % MESSAGE, mute=1) as address,
        SessionManager(address, retry=retry, request_timeout=0.3) as manager,
    ):
        manager.add("account")
        page = await manager.scrape("news", limit=1)
    assert [message.text for message in page] == ["one"]


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_complaint_of_the_server_reaches_the_caller() -> None:
    with pytest.raises(ConnectionLost, match="the server complains: no more of this"):
        await scrape_from('{"type": "complaint", "text": "no more of this"}')


@pytest.mark.asyncio
@pytest.mark.parametrize(("operation", "kind"), [("push", "flood"), ("history", "skip")])
async def test_fault_that_cannot_happen_is_rejected(
    server: Control, operation: Operation, kind: Kind
) -> None:
    with pytest.raises(Refused, match="cannot happen to"):
        await server.fault(operation, kind)
    await server.post("news", "still listening")


@pytest.mark.asyncio
async def test_command_out_of_range_is_rejected(server: Control) -> None:
    with pytest.raises(Refused, match=r"Expected `int` >= 1 - at `\$.times`"):
        await server.fault("login", "drop", times=0)
    with pytest.raises(Refused, match=r"Expected `float` >= 0"):
        await server.slow(-1)
    with pytest.raises(Refused, match="length <= 1000"):
        await server.post("news", "x" * (MAX_TEXT + 1))
    with pytest.raises(Refused, match="'connected' stands at 0 and did not reach 1"):
        await server.until("connected", 1, timeout=0.01)
    await server.post("news", "still listening")


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_post_under_a_known_key_is_kept_once(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "journal") as process:
        async with await Control.open(process.control) as control:
            await control.post("news", "one", key="first")
            await control.post("news", "one", key="first")
        process.kill()
        process.start()
        async with await Control.open(process.control) as control:
            await control.post("news", "one", key="first")
            await control.post("news", "two", key="second")
        async with SessionManager(process.chat) as manager:
            manager.add("account")
            assert [message.text for message in await manager.scrape("news")] == ["two", "one"]


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_half_written_line_at_the_end_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_bytes(
        b'{"key": "1", "channel": "news", "texts": ["one"]}\n{"key": "2", "channel": "news", "te'
    )
    with ServerProcess(journal) as process:
        async with await Control.open(process.control) as control:
            await control.post("news", "two", key="2")
    assert [json.loads(line)["key"] for line in journal.read_text().splitlines()] == ["1", "2"]


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_post_for_which_the_disk_has_no_room_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    without_end = resource.RLIM_INFINITY
    with ServerProcess(journal) as process:
        async with await Control.open(process.control) as control:
            await control.post("news", "one", key="first")
            whole = journal.read_bytes()
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (len(whole) + 10, without_end))
            with pytest.raises(Refused, match="File too large"):
                await control.post("news", "two", key="second")
            assert journal.read_bytes() == whole
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (without_end, without_end))
            await control.post("news", "two", key="second")
        process.kill()
        process.start()
        async with SessionManager(process.chat) as manager:
            manager.add("account")
            assert [message.text for message in await manager.scrape("news")] == ["two", "one"]


def start_and_fail(*options: str) -> str:
    """The complaint of a server that cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "chatfleet.server", *options],
        cwd=Path(__file__).parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_damaged_journal_is_named_with_its_line(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_bytes(b'{"key": "1", "channel": "news", "texts": []}\n{"key": 2}\n')
    complaint = start_and_fail("--journal", str(journal))
    assert f"{journal}, line 2: " in complaint
    assert "mend the line or take it out" in complaint


def test_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "journal") as process:
        complaint = start_and_fail("--journal", str(tmp_path / "other"), "--port", str(process.chat.port))
    assert "address already in use" in complaint


def test_journal_in_no_folder_is_an_error(tmp_path: Path) -> None:
    assert "No such file or directory" in start_and_fail("--journal", str(tmp_path / "none" / "journal"))
