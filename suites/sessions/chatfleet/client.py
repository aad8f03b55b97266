"""One connection to the chat server: calls and their answers, and the messages that the server pushes."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import NamedTuple, TypeVar

from .errors import ConnectionLost, FloodWait, ProtocolError, Refused, RequestTimedOut, ServerFault
from .protocol import (
    FROM_SERVER,
    Answer,
    Call,
    Complaint,
    Failed,
    Login,
    Message,
    Ok,
    Push,
    Request,
    Result,
    Subscribed,
    decode,
    encode,
    read_body,
)

INBOX_LIMIT = 1_000
"""Messages that wait for a slow handler; what comes beyond it is dropped and asked for again later."""

R = TypeVar("R", bound=Result)


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Connection:
    """A logged-in connection; any number of calls may be under way on it at once."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request_timeout: float
    ) -> None:
        self.lost: str | None = None
        """Why the connection is gone, once it is."""
        self.in_step = False
        """Whether each pushed message follows the last one; False until a subscription is granted."""
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._writer = writer
        self._timeout = request_timeout
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Result | ConnectionLost]] = {}
        self._reading = asyncio.create_task(self._read(reader), name="read a connection")

    @classmethod
    async def open(cls, address: Address, account: str, request_timeout: float) -> Connection:
        """Connect and log in, or leave nothing behind."""
        try:
            async with asyncio.timeout(request_timeout):
                reader, writer = await asyncio.open_connection(*address)
        except TimeoutError as error:
            raise RequestTimedOut(f"no connection to {address} within {request_timeout:g} s") from error
        except OSError as error:
            raise ConnectionLost(f"no connection to {address}: {error}") from error
        connection = cls(reader, writer, request_timeout)
        try:
            await connection.ask(Login(account), Ok)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def ask(self, request: Request, expected: type[R]) -> R:
        """Send a request and wait for its answer; a refusal becomes the error that it stands for."""
        if self.lost is not None:
            raise ConnectionLost(self.lost)
        call = Call(next(self._ids), request)
        frame = encode(call)
        answer = self._pending[call.id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout):
                self._writer.write(frame)
                await self._writer.drain()
                result = await answer
        except TimeoutError as error:
            raise RequestTimedOut(f"no answer within {self._timeout:g} s") from error
        except OSError as error:
            raise ConnectionLost(f"the connection broke: {error}") from error
        finally:
            del self._pending[call.id]
        return _expect(result, expected)

    async def next_message(self) -> Message:
        """The next pushed message; the connection's loss comes after the last of them."""
        if self.lost is not None and self._inbox.empty():
            raise ConnectionLost(self.lost)
        message = await self._inbox.get()
        if message is None:
            raise ConnectionLost(self.lost or "closed")
        return message

    @property
    def drained(self) -> bool:
        """Whether no pushed message waits."""
        return self._inbox.empty()

    def fall_out_of_step(self) -> None:
        """Forget what was pushed, and take no more until the next subscription."""
        self.in_step = False
        while not self._inbox.empty():
            self._inbox.get_nowait()
        if self.lost is not None:
            self._inbox.put_nowait(None)

    async def close(self) -> None:
        """End the connection at once; nothing that could still be sent is worth waiting for."""
        self._end("closed by this side")
        self._reading.cancel()
        await asyncio.wait([self._reading])
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        reason = "the server closed the connection"
        try:
            while (body := await read_body(reader)) is not None:
                self._dispatch(decode(body, FROM_SERVER))
        except (ConnectionLost, ProtocolError) as error:
            reason = str(error)
        finally:
            self._end(reason)

    def _dispatch(self, frame: Answer | Push | Complaint) -> None:
        match frame:
            case Push(message):
                self._take(message)
            case Answer(id=number, result=result):
                if isinstance(result, Subscribed):
                    self.in_step = True
                answer = self._pending.get(number)
                if answer is not None and not answer.done():  # the caller may have left in the meantime
                    answer.set_result(result)
            case Complaint(text):
                raise ConnectionLost(f"the server complains: {text}")

    def _take(self, message: Message) -> None:
        if not self.in_step:
            return
        if self._inbox.qsize() < INBOX_LIMIT:
            self._inbox.put_nowait(message)
        else:
            self.in_step = False

    def _end(self, reason: str) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        self.in_step = False
        for answer in self._pending.values():
            if not answer.done():
                answer.set_result(ConnectionLost(reason))
        self._inbox.put_nowait(None)
        self._writer.transport.abort()


def _expect(result: Result | ConnectionLost, expected: type[R]) -> R:
    match result:
        case ConnectionLost():
            raise result
        case Failed(code="flood", retry_after=seconds):
            raise FloodWait(seconds)
        case Failed(code="fault", text=text):
            raise ServerFault(text)
        case Failed(code=code, text=text):
            raise Refused(code, text)
    if not isinstance(result, expected):
        raise ProtocolError(f"an answer of type {type(result).__name__}, where {expected.__name__} was due")
    return result
