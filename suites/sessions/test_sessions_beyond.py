"""Ten times the fleet, and a server that dies, freezes or is orphaned while the fleet depends on it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chatfleet.errors import ConnectionLost
from chatfleet.manager import SessionManager
from chatfleet.retry import RetryPolicy
from chatfleet.server.control import Control
from sessions_support import HANG, NOW, Ledger, add_accounts

from itdash import probe

if TYPE_CHECKING:
    from chatfleet.server.process import ServerProcess

POSTS = 60


@pytest.mark.asyncio
@pytest.mark.requirement("2.1")
@pytest.mark.budget("monitor.start", "count == 2500", "peak == 2500", "errors == 0")
@pytest.mark.budget("monitor.all", "max < 10s")
async def test_2500_sessions_monitoring_simultaneously(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2_600:
        pytest.skip("this system allows a process fewer than 2,600 open files")
    accounts = add_accounts(manager, 2_500)

    async with probe.operation("monitor.all"):
        await asyncio.gather(
            *(manager.start_monitoring(account, NOW, ledger.handler(account)) for account in accounts)
        )

    assert manager.status().monitoring == set(accounts)
    assert await server.gauge("subscribed") == 2_500
    await server.post("news", "one", "two")
    await ledger.reach(messages=2, accounts=2_500)
    assert all(ledger.texts(account) == ["one", "two"] for account in accounts)


async def post_through_outages(process: ServerProcess, running: asyncio.Event) -> None:
    """Post one message after the other; what was not acknowledged is posted again under its old key."""
    posted = 0
    while posted < POSTS:
        await running.wait()
        try:
            async with await Control.open(process.control) as control:
                while posted < POSTS:
                    await control.post("news", f"message {posted}", key=f"post-{posted}")
                    posted += 1
        except ConnectionLost:
            continue


@pytest.mark.asyncio
@pytest.mark.requirement("2.1", "7.1", "7.2")
@pytest.mark.budget("monitor.start", "count == 250", "errors == 0")
@pytest.mark.budget("monitor.resume", "count == 500", "peak == 250", "errors == 0")
async def test_server_killed_while_250_sessions_monitor(own_process: ServerProcess, ledger: Ledger) -> None:
    async with await Control.open(own_process.control) as control:
        await control.post("news")
    running = asyncio.Event()
    running.set()

    async with SessionManager(own_process.chat, retry=RetryPolicy(base=0.02, ceiling=0.2)) as manager:
        accounts = add_accounts(manager, 250)
        await asyncio.gather(
            *(manager.start_monitoring(account, NOW, ledger.handler(account)) for account in accounts)
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(post_through_outages(own_process, running))
            for received in (POSTS // 3, 2 * POSTS // 3):
                await ledger.reach(messages=received, accounts=250)
                running.clear()
                own_process.kill()
                await asyncio.to_thread(own_process.start)
                running.set()
        await ledger.reach(messages=POSTS, accounts=250)
        async with await Control.open(own_process.control) as control:
            await control.until("subscribed", 250)
            await control.post("news", "the last")
        await ledger.reach(messages=POSTS + 1, accounts=250)
        assert manager.status().monitoring == set(accounts)

    expected = [*(f"message {number}" for number in range(POSTS)), "the last"]
    assert all(ledger.texts(account) == expected for account in accounts)


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_frozen_server_is_noticed_and_left(own_process: ServerProcess, ledger: Ledger) -> None:
    """A stopped process keeps its connections open: only a heartbeat finds out that nobody is there."""
    gave_up = asyncio.Event()

    async def pause(_: float) -> None:
        gave_up.set()
        await asyncio.sleep(0.01)

    async with await Control.open(own_process.control) as control:
        await control.post("news")
        manager = SessionManager(
            own_process.chat, retry=RetryPolicy(sleep=pause), request_timeout=0.5, heartbeat=0.1
        )
        async with manager:
            manager.add("account")
            await manager.start_monitoring("account", NOW, ledger.handler("account"))
            os.kill(own_process.pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(HANG):
                    await gave_up.wait()
            finally:
                os.kill(own_process.pid, signal.SIGCONT)
            await control.post("news", "back again")
            await ledger.reach(messages=1)
            assert manager.status().operations["monitor.resume"].started >= 1
    assert ledger.texts("account") == ["back again"]


ORPHAN_MAKER = """
import sys
from pathlib import Path
from chatfleet.server.process import ServerProcess

server = ServerProcess(Path(sys.argv[1]))
server.start()
print(server.chat.port, server.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.asyncio
async def test_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ORPHAN_MAKER, str(tmp_path / "journal")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    port, pid = map(int, (await parent.stdout.readline()).split())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    parent.kill()
    await parent.wait()

    try:
        async with asyncio.timeout(HANG):
            with suppress(ConnectionResetError):
                await reader.read()  # ends when the server does: nobody else would close this connection
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise
    writer.close()
    parent.stdin.close()
