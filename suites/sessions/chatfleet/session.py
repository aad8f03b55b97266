"""One account: its connection, which comes back when it is needed, and what the account does with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from .client import Address, Connection
from .errors import Interrupted, ProtocolError, RequestTimedOut, TransientError
from .protocol import MAX_PAGE, History, Message, Ok, Page, Ping, Subscribe, Subscribed

if TYPE_CHECKING:
    from .monitor import Monitor


class Session:
    """A managed account. Its lock serialises scrapes only: a monitor never waits for it."""

    def __init__(self, account: str, address: Address, request_timeout: float) -> None:
        self.account = account
        self.lock = asyncio.Lock()
        self.load = 0
        """Scrapes that run or wait on this session."""
        self.monitor: Monitor | None = None
        self.failure: str | None = None
        """Why the last monitor gave up, if it did."""
        self._address = address
        self._request_timeout = request_timeout
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    def require_open(self) -> None:
        if self._closed:
            raise Interrupted(f"the session of {self.account} is closed")

    async def connection(self) -> Connection:
        """The living connection; whoever needs one first makes it, the others wait for that one."""
        async with self._connecting:
            self.require_open()
            if self._connection is None or self._connection.lost is not None:
                self._connection = await Connection.open(self._address, self.account, self._request_timeout)
            return self._connection

    async def history(self, channel: str, limit: int) -> list[Message]:
        """The newest messages of a channel, newest first, as many as there are up to the limit."""
        connection = await self.connection()
        messages: list[Message] = []
        while len(messages) < limit:
            wanted = min(MAX_PAGE, limit - len(messages))
            before = messages[-1].sequence if messages else None
            page = await self._page(connection, History(channel, wanted, before))
            if len(page.messages) > wanted:
                raise ProtocolError(f"{len(page.messages)} messages, where {wanted} were asked for")
            messages += page.messages
            if len(page.messages) < wanted:
                break
        return messages

    async def _page(self, connection: Connection, request: History) -> Page:
        try:
            return await connection.ask(request, Page)
        except RequestTimedOut:
            # Is this slow, or is nobody there? Only the second may cost the monitor its connection.
            try:
                await connection.ask(Ping(), Ok)
            except TransientError:
                await connection.close()
            raise

    def monitor_is_over(self, _: object) -> None:
        self.monitor = None

    async def unsubscribe(self) -> None:
        """Tell the server that nobody listens any more; a lost connection has told it already."""
        if self._connection is not None and self._connection.lost is None:
            with suppress(TransientError):
                await self._connection.ask(Subscribe({}), Subscribed)

    async def close(self) -> None:
        """End the connection, and never make another."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()
