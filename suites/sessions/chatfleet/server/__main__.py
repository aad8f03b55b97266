"""`python -m chatfleet.server`: listen, say where, and end when told to or when the parent is gone."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConnectionLost, ProtocolError
from ..protocol import decode, encode, read_body
from .app import Chat
from .commands import (
    COMMANDS,
    PUSH_KINDS,
    Command,
    Disconnect,
    Done,
    Fault,
    Gate,
    Outcome,
    Post,
    Rejected,
    Reset,
    Slow,
    Until,
)
from .journal import Entry, Journal, JournalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HOST = "127.0.0.1"
BACKLOG = 4_096
"""Thousands may connect at once; a full queue would make each of them wait a second for its second try."""
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel hands out to clients: while the server is away, nobody else gets its port,
and no client can connect to itself."""


async def carry_out(command: Command, chat: Chat) -> Outcome:
    """Do what a test orders."""
    match command:
        case Reset():
            await chat.reset()
        case Post(key, channel, texts):
            chat.post(Entry(key, channel, texts))
        case Slow(seconds):
            chat.delay = seconds
        case Gate(size):
            chat.gate.resize(size)
        case Fault(operation=operation, kind=kind):
            if (operation == "push") != (kind in PUSH_KINDS):
                return Rejected(f"{kind!r} cannot happen to {operation!r}")
            chat.faults.plan(command)
        case Disconnect(accounts):
            chat.disconnect(accounts)
        case Until(gauge, count, timeout):
            try:
                await chat.gauges.reach(gauge, count, timeout)
            except TimeoutError:
                stands = chat.gauges.read().get(gauge, 0)
                return Rejected(f"{gauge!r} stands at {stands} and did not reach {count} in {timeout:g} s")
    return Done(chat.gauges.read())


async def control(chat: Chat, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry out the commands of one control connection."""
    try:
        while (body := await read_body(reader)) is not None:
            try:
                outcome = await carry_out(decode(body, COMMANDS), chat)
            except (ProtocolError, OSError) as error:  # of the command, or of the disk it is written to
                outcome = Rejected(str(error))
            writer.write(encode(outcome))
            await writer.drain()
    except (ConnectionLost, ProtocolError, OSError):
        pass
    finally:
        writer.close()


async def listen(handler: Handler, port: int) -> tuple[asyncio.Server, int]:
    """Listen on this port, or with 0 on a free one that the server can have again after a restart."""
    if port:
        return await asyncio.start_server(handler, HOST, port, backlog=BACKLOG), port
    for candidate in random.sample(PORTS, 100):
        with suppress(OSError):
            return await asyncio.start_server(handler, HOST, candidate, backlog=BACKLOG), candidate
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


async def serve(journal: Journal, port: int) -> None:
    """Listen on both ports, print them as one line of JSON, and go on for ever."""
    chat = Chat(journal)
    _, chat_port = await listen(chat.serve, port)
    _, control_port = await listen(lambda reader, writer: control(chat, reader, writer), 0)
    print(json.dumps({"chat": chat_port, "control": control_port}), flush=True)
    await asyncio.Event().wait()


def end_with_the_parent() -> None:
    """End this process when standard input ends: when whoever holds its other end is gone."""
    # An interrupt at the terminal goes to parent and child alike; it is the parent that decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)  # nothing is left to save: what was acknowledged is in the journal

    # A thread, so that it works however busy the event loop is.
    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    parser = argparse.ArgumentParser(prog="chatfleet.server", description=__doc__)
    parser.add_argument("--journal", type=Path, required=True, help="the file that keeps all messages")
    parser.add_argument("--port", type=int, default=0, help="port of the chat; 0 finds a free one")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        asyncio.run(serve(Journal(options.journal), options.port))
    except (JournalError, OSError) as error:
        print(f"chatfleet.server: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
