"""What the processes of the archive do alike: read settings, listen, end when told, end with the parent."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import StartError
from .settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.applications import Starlette

    from .settings import Settings

BACKLOG = 1_024
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel hands out to clients: while a server is away, nobody else gets its port."""
KEEP_ALIVE = 60


def started(name: str, about: str | None, run: Callable[[Settings], Awaitable[None]]) -> int:
    """The main function of a process that is told its settings; its exit code."""
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("--settings", type=Path, required=True, help="a JSON file")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)

    async def running() -> None:
        await run(read_settings(options.settings))

    try:
        asyncio.run(running())
    except (StartError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 0


def announce(**facts: object) -> None:
    """Tell whoever started this process that it is ready."""
    print(json.dumps(facts), flush=True)


def listen(host: str, port: int) -> socket.socket:
    """Listen on this port, or with 0 on a free one that the server can have again after a restart."""
    if port:
        return _bound(host, port)
    for candidate in random.sample(PORTS, 100):
        with suppress(OSError):
            return _bound(host, candidate)
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


async def serve(application: Starlette, listener: socket.socket, grace: float) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests end, but no longer than the grace."""
    import uvicorn

    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        server.should_exit = True

    # uvicorn listens to signals later than it could be told to end, and raises them once more after its own
    # end, when there is still something to close here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    host, port = listener.getsockname()[:2]
    announce(url=f"http://{host}:{port}")
    await server.serve(sockets=[listener])


def end_with_the_parent() -> None:
    """End this process when standard input ends: when whoever holds its other end is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)  # nobody is left who could wait; what was promised is in the database

    # A thread, so that it works however busy the event loop is.
    threading.Thread(target=wait, daemon=True).start()


def _bound(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio sends each part of an answer at once; without, the second part waits
    # for the client's acknowledgement of the first, which takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
