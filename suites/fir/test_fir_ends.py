"""How it ends: in order when it is told to, and at once when nobody is left to tell it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx2
import pytest
from fir_processes import ROOM
from fir_support import HANG, Desk, until

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Launch

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


@pytest.mark.requirement("FIR-END-1")
async def test_service_completes_what_it_has_begun(desk: Desk, launch: Launch) -> None:
    async with launch() as leaving:
        asked, *enqueued = [await leaving.new_case() for _ in range(13)]
        await leaving.model.tell(gate=True)
        async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
            report = group.create_task(leaving.report(asked))
            for case in enqueued:
                await leaving.enqueue(case)
            await leaving.model.until_held(5)  # four workers have a task each, and eight tasks wait

            leaving.api.ask_to_end()
            await until(lambda: _accepts(leaving), lambda accepts: not accepts)
            await leaving.model.tell(latency=0.12)  # the tasks take longer than the report

        assert report.result().source == "model"
        assert await asyncio.to_thread(leaving.api.wait) == 0
        assert await leaving.model.received() == 13
    for case in (asked, *enqueued):
        assert await desk.source(case) == "cache"  # for the next service to find


async def _accepts(desk: Desk) -> bool:
    """Whether the service takes new connections."""
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(desk.api.url).port)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True
    return False


TOLD_AT_ONCE = """
import asyncio, os, signal
from reportdesk import hosting
from starlette.applications import Starlette

hosting.print = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
asyncio.run(hosting.serve(Starlette(), hosting.listen("127.0.0.1", 0), 1.0))
"""


@pytest.mark.requirement("FIR-END-1")
async def test_service_told_to_end_as_it_says_that_it_is_there_ends() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", TOLD_AT_ONCE, cwd=ROOM)
    try:
        async with asyncio.timeout(HANG):
            assert await child.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


PARENT = """
import json, sys
from pathlib import Path
from fir_processes import ApiServer, CacheProcess, ModelProcess

folder = Path(sys.argv[1])
cache, model = CacheProcess(), ModelProcess(folder)
cache.start()
model.start()
database = {"url": f"sqlite://{folder}/reports.db"}
api = ApiServer({"cache": {"url": cache.url}, "database": database, "model": {"url": model.url}}, folder)
api.start()
print(json.dumps([cache.pid, model.pid, api.pid]), flush=True)
sys.stdin.read()
"""


@pytest.mark.requirement("FIR-END-1")
async def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOM,
        env=os.environ
        | {"TMPDIR": str(tmp_path)},  # what a killed parent cannot remove goes with this folder
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    async with asyncio.timeout(HANG):
        pids = [int(pid) for pid in (await parent.stdout.readline()).decode().strip("[]\n").split(",")]
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        parent.kill()
        await parent.wait()
        async with asyncio.timeout(HANG):
            await asyncio.gather(*map(_ended, handles))
    finally:
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        parent.stdin.close()


async def _ended(handle: int) -> None:
    """Wait until the process behind this handle is gone, whoever reaps it."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
