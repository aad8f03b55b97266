"""A user, and each connection of the user: what was sent on it, and what comes next."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from .commands import Missed
from .mailbox import Mailbox

if TYPE_CHECKING:
    from .ports import Link
    from .settings import Room

_FRAME = 65_536
"""Bytes of messages that go into one frame: a client may refuse what is much larger."""
_ANSWERS = 64
"""Answers that may wait for a client before no more of its commands are read."""


class Member:
    """One user, here or away."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = uuid.uuid4().hex
        self.mailbox = Mailbox()
        self.connections: set[Connection] = set()
        self.monitors = False
        self.away_since = 0.0
        self.sent = 0
        """The number of the last message that was sent on any connection."""

    def put(self, message: bytes, room: Room) -> int:
        """Keep the message; how many that were never sent had to go for it."""
        before = self.mailbox.first
        self.mailbox.put(message, room)
        return self._unseen(before)

    def shrink(self, room: Room) -> int:
        before = self.mailbox.first
        self.mailbox.shrink(room)
        return self._unseen(before)

    def _unseen(self, before: int) -> int:
        return max(0, self.mailbox.first - max(before, self.sent + 1))


class Connection:
    """One client of a user: a place in the mailbox, and what only this client is told."""

    def __init__(self, member: Member, link: Link, start: int) -> None:
        self.member = member
        self.link = link
        self.wake = asyncio.Event()
        self.strikes = 0
        self.since = start
        """The number of the message that is sent next."""
        self._answers: deque[bytes] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._flushed = asyncio.Event()
        self._flushed.set()

    async def answer(self, message: Any) -> None:
        """Have this sent before the messages of the mailbox; wait while too many answers wait."""
        await self._room.wait()
        self.tell(message)

    def tell(self, message: Any) -> None:
        self._answers.append(msgspec.json.encode(message))
        if len(self._answers) >= _ANSWERS:
            self._room.clear()
        self.rouse()

    def rouse(self) -> None:
        """There is something to send."""
        self._flushed.clear()
        self.wake.set()

    async def flushed(self) -> None:
        """Wait until there is nothing left to send."""
        await self._flushed.wait()

    async def write(self, keep: Room) -> None:
        """Send what there is, and what comes, for as long as the client is there."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while lines := self._lines():
                await self.link.send(b"\n".join(lines).decode())
                self._release(keep)
            self._flushed.set()

    def _lines(self) -> list[bytes]:
        lines = list(self._answers)
        self._answers.clear()
        self._room.set()
        mailbox = self.member.mailbox
        if self.since < mailbox.first:
            lines.append(msgspec.json.encode(Missed(count=mailbox.first - self.since)))
            self.since = mailbox.first
        messages = mailbox.read(self.since, _FRAME)
        self.since += len(messages)
        return lines + messages

    def _release(self, keep: Room) -> None:
        member = self.member
        member.sent = max(member.sent, self.since - 1)
        member.mailbox.release(min(c.since for c in member.connections | {self}), keep)
