"""Listens, says where, serves until told to end, and ends with its parent."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn

from .application import Application
from .web import Web, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .settings import Settings, WebSettings

BACKLOG = 2_048
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel hands out to clients: while the service is away, nobody gets its port."""
SEND_BUFFER = 65_536
"""What a client does not read waits in its mailbox, where it is bounded and known, not in the kernel."""


class _Server(uvicorn.Server):
    """Leaves signals to the application, which has other parts to end first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings) -> None:
    """Start the parts, serve until SIGTERM or SIGINT, and end everything in order."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    application = Application(settings)
    with listen(settings.web.host, settings.web.port) as listener:
        await application.start()
        server = _Server(_config(application, settings.web))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()[:2]
        print(json.dumps({"url": f"http://{host}:{port}", "port": port}), flush=True)
        ended = asyncio.create_task(told.wait())
        await asyncio.wait([ended, serving], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        await application.stop()
        server.should_exit = True
        await serving


def _config(application: Application, settings: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        Web(application).routes(),
        lifespan="off",
        ws=Wire,
        ws_max_size=settings.message_limit,
        ws_ping_interval=settings.ping,
        ws_ping_timeout=None,  # who is stale is judged by the broadcaster
        ws_per_message_deflate=False,  # short messages, and many clients who would each be compressed for
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # connections are closed by then, and a handler must not hold up the end
    )


def listen(host: str, port: int) -> socket.socket:
    """Listen on this port, or with 0 on a free one that the service can have again after a restart."""
    if port:
        return _bound(host, port)
    for candidate in random.sample(PORTS, 100):
        with suppress(OSError):
            return _bound(host, candidate)
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


def _bound(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio sends each part at once; without, it may wait for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def allow_many_files() -> None:
    """As many open connections as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end_with_the_parent() -> None:
    """End this process when standard input ends: when whoever holds its other end is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)  # nobody is left who could wait, and nothing is to be saved

    # A thread, so that it works however busy the event loop is.
    threading.Thread(target=wait, daemon=True).start()
