"""Following channels message by message: none lost, none twice, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from .errors import ProtocolError, RequestTimedOut
from .protocol import Message, Ok, Ping, Subscribe, Subscribed

if TYPE_CHECKING:
    from .client import Connection
    from .session import Session

Handler = Callable[[Message], Awaitable[None]]

_log = logging.getLogger(__name__)


class Monitor:
    """Knows the last message of each channel, and from that what comes next and what is missing."""

    def __init__(
        self, session: Session, after: Mapping[str, int | None], handler: Handler, heartbeat: float
    ) -> None:
        self.positions: dict[str, int | None] = dict(after)
        self.repeats = 0
        """Messages that came a second time and were not handed on."""
        self.handler_errors = 0
        self.task: asyncio.Task[None] | None = None
        self._session = session
        self._handler = handler
        self._heartbeat = heartbeat
        self._connection: Connection | None = None

    async def subscribe(self) -> None:
        """Ask for all that follows what is known already."""
        connection = await self._session.connection()
        connection.fall_out_of_step()
        try:
            granted = await connection.ask(Subscribe(self.positions), Subscribed)
        except RequestTimedOut:
            await connection.close()  # it may be dead without knowing; the next attempt gets a new one
            raise
        for channel, position in self.positions.items():
            if channel not in granted.positions:
                raise ProtocolError(f"the server subscribed to less than was asked for: no {channel!r}")
            if position is None:
                self.positions[channel] = granted.positions[channel]
        self._connection = connection

    async def follow(self) -> None:
        """Hand on message after message; ends only by an error."""
        while True:
            connection = self._connection
            if connection is None or (connection.drained and not connection.in_step):
                await self.subscribe()
            else:
                await self._accept(await self._next(connection), connection)

    async def _next(self, connection: Connection) -> Message:
        while True:
            try:
                async with asyncio.timeout(self._heartbeat):
                    return await connection.next_message()
            except TimeoutError:
                await connection.ask(Ping(), Ok)

    async def _accept(self, message: Message, connection: Connection) -> None:
        position = self.positions.get(message.channel)
        if position is None:
            return
        if message.sequence <= position:
            self.repeats += 1
        elif message.sequence > position + 1:
            connection.fall_out_of_step()
        else:
            await self._hand_on(message)
            # Only now: a message whose handler was cancelled half-way comes again to the next monitor.
            self.positions[message.channel] = message.sequence

    async def _hand_on(self, message: Message) -> None:
        try:
            await self._handler(message)
        except Exception:
            # One message that its handler cannot digest must not end the watch over all that follow.
            self.handler_errors += 1
            _log.exception("the handler failed on %s/%d", message.channel, message.sequence)
