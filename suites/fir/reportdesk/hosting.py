"""What both server processes do alike: listen, say where, end when told to, and end with their parent."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.applications import Starlette

BACKLOG = 1_024
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel hands out to clients: while a server is away, nobody else gets its port."""
KEEP_ALIVE = 60


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
    print(json.dumps({"url": f"http://{host}:{port}", "port": port}), flush=True)
    await server.serve(sockets=[listener])


def end_with_the_parent() -> None:
    """End this process when standard input ends: when whoever holds its other end is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)  # nobody is left who could wait; what was answered is in the database

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
