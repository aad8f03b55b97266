"""The tests' end of the control port."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from ..errors import ConnectionLost, Refused
from ..protocol import decode, encode, read_body
from .commands import (
    OUTCOMES,
    Command,
    Disconnect,
    Fault,
    Gate,
    Gauge,
    Kind,
    Look,
    Operation,
    Post,
    Rejected,
    Reset,
    Slow,
    Until,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client import Address


class Control:
    """One connection to the control port; commands are carried out one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._keys = (f"{uuid.uuid4()}-{number}" for number in itertools.count(1))

    @classmethod
    async def open(cls, address: Address) -> Self:
        try:
            return cls(*await asyncio.open_connection(*address))
        except OSError as error:
            raise ConnectionLost(f"no connection to the control port {address}: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def reset(self) -> None:
        await self.send(Reset())

    async def post(self, channel: str, *texts: str, key: str | None = None) -> None:
        """Returns when the messages are on the server's disk."""
        await self.send(Post(key or next(self._keys), channel, list(texts)))

    async def slow(self, seconds: float) -> None:
        await self.send(Slow(seconds))

    async def gate(self, size: int) -> None:
        await self.send(Gate(size))

    async def fault(
        self,
        operation: Operation,
        kind: Kind,
        *,
        times: int = 1,
        account: str | None = None,
        channel: str | None = None,
        retry_after: float = 0.0,
    ) -> None:
        await self.send(Fault(operation, kind, times, account, channel, retry_after))

    async def disconnect(self, accounts: Iterable[str] | None = None) -> None:
        await self.send(Disconnect(None if accounts is None else list(accounts)))

    async def until(self, gauge: Gauge, count: int, timeout: float = 20.0) -> None:
        """Wait until the gauge stands at this count; an error tells where it stands instead."""
        await self.send(Until(gauge, count, timeout))

    async def gauge(self, gauge: Gauge) -> int:
        return (await self.send(Look()))[gauge]

    async def send(self, command: Command) -> dict[str, int]:
        """Have a command carried out; the server's gauges afterwards."""
        async with self._turn:
            try:
                self._writer.write(encode(command))
                await self._writer.drain()
                body = await read_body(self._reader)
            except OSError as error:
                raise ConnectionLost(f"the control connection broke: {error}") from error
        if body is None:
            raise ConnectionLost("the server ended the control connection")
        outcome = decode(body, OUTCOMES)
        if isinstance(outcome, Rejected):
            raise Refused("control", outcome.text)
        return outcome.gauges
