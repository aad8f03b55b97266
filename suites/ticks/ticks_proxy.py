"""A piece of network between two parts, which can be cut, and which can go silent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 65_536


class Proxy:
    """Listens on a port of its own and carries bytes to a server and back."""

    def __init__(self, upstream: Path | int) -> None:
        self._upstream = upstream
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._carriers: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.accepted = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        await asyncio.gather(*self._carriers, return_exceptions=True)

    def hold(self) -> None:
        """Carry nothing from now on, and close nothing: a cable that was pulled out."""
        self._flows.clear()

    def release(self) -> None:
        self._flows.set()

    async def cut(self) -> None:
        """Close all connections, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for carrier in self._carriers:
            carrier.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._carriers, return_exceptions=True)

    async def mend(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=_PIECE)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.create_task(self._carry(reader, writer))
        self._carriers.add(task)
        task.add_done_callback(self._carriers.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            if isinstance(self._upstream, int):
                other, back = await asyncio.open_connection("127.0.0.1", self._upstream)
            else:
                other, back = await asyncio.open_unix_connection(self._upstream)
            writers.append(back)
            self._writers.update(writers)
            ways = [
                asyncio.create_task(self._pump(reader, back)),
                asyncio.create_task(self._pump(other, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # there is no server: the client learns it by the end of its connection
        finally:
            self._writers.difference_update(writers)
            for end in writers:
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                await self._flows.wait()
                writer.write(piece)
                await writer.drain()
