"""The messages of a user by number: the newest, as many as there is room for."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Room


class Mailbox:
    """Numbers go up by one, from 1 on, and say also what is missing. The bytes are shared among users."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self.first = 1
        """The number of the oldest message that is here."""
        self.size = 0
        """Bytes of all of them."""

    @property
    def next(self) -> int:
        """The number of the message that comes next."""
        return self.first + len(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: bytes, room: Room) -> None:
        self._messages.append(message)
        self.size += len(message)
        self.shrink(room)

    def shrink(self, room: Room) -> None:
        """Let the oldest go until the rest has room."""
        while len(self._messages) > room.messages or self.size > room.bytes:
            self._drop()

    def release(self, number: int, room: Room) -> None:
        """Let go of what is older than this, but for as many as may be asked for again."""
        while self.first < number and (len(self._messages) > room.messages or self.size > room.bytes):
            self._drop()

    def read(self, number: int, size: int) -> list[bytes]:
        """Messages from this number on, each with its number in it: of so many bytes, and at least one."""
        lines: list[bytes] = []
        for n, message in enumerate(islice(self._messages, number - self.first, None), number):
            size -= len(message)
            if lines and size < 0:
                break
            lines.append(b'{"n":%d,%b' % (n, message[1:]))
        return lines

    def _drop(self) -> None:
        self.size -= len(self._messages.popleft())
        self.first += 1
