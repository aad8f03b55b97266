"""How it ends: in order when it is told to, and at once when nobody is left to tell it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from archive_processes import ROOM
from archive_recordings import recording
from archive_support import HANG, Archive, Caller, Gate, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, pytest.mark.requirement("ARCHIVE-END-1")]


async def test_request_that_was_begun_is_completed(frail: Archive, frail_editor: Caller) -> None:
    vod = await frail_editor.create()
    told = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"first half, "
        await told.wait()
        yield b"second half"

    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        upload = group.create_task(frail_editor.upload(vod.id, slowly()))
        partial = frail.stack.files / "partial"
        await until(lambda: asyncio.to_thread(lambda: list(partial.iterdir())), bool)
        frail.stack.api.ask_to_end()
        told.set()
    assert upload.result().size == 23
    assert await asyncio.to_thread(frail.stack.api.wait) == 0


@pytest.mark.requirement("1.2.4")
async def test_worker_ends_what_it_has_begun(frail: Archive, frail_editor: Caller) -> None:
    vod = await frail_editor.create()
    vod = await frail_editor.upload(vod.id, recording("THE LAST"))
    with Gate(frail.media(vod)) as gate:
        task = await frail_editor.transcribe(vod.id)
        await gate.reached()
        frail.stack.worker.ask_to_end()
        gate.open()
    assert await asyncio.to_thread(frail.stack.worker.wait) == 0
    ended = await frail_editor.task(task.id)
    assert (ended.status, ended.attempts) == ("completed", 1)
    assert (await frail.health()).failing == {"workers": "Unavailable: no worker shows signs of life"}


PARENT = """
import json, sys
from pathlib import Path
from archive_stack import running_stack

with running_stack(Path(sys.argv[1]), None, None, {}) as stack:
    parts = (stack.api, stack.worker, stack.channel, stack.store)
    print(json.dumps([part.pid for part in parts]), flush=True)
    sys.stdin.read()
"""


async def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOM,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # what a killed parent cannot remove goes with it
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
