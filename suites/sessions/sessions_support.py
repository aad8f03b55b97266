"""What several tests of this suite need: names, a book of what each monitor was given, a sleep that tells."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatfleet.manager import SessionManager
    from chatfleet.monitor import Handler
    from chatfleet.protocol import Message

HANG = 20.0
"""Seconds after which a wait is taken for a hang; no measure of anything."""

NOW = {"news": None}
"""The subscription that most tests use: the channel "news", from now on."""


def add_accounts(manager: SessionManager, count: int) -> list[str]:
    accounts = [f"account-{number}" for number in range(count)]
    for account in accounts:
        manager.add(account)
    return accounts


class Ledger:
    """Writes down, for each account, the messages that its monitor hands on."""

    def __init__(self) -> None:
        self._received: defaultdict[str, list[Message]] = defaultdict(list)
        self._reached: Counter[int] = Counter()
        self._changed: dict[tuple[int, int], asyncio.Event] = {}

    def handler(self, account: str) -> Handler:
        async def write_down(message: Message) -> None:
            messages = self._received[account]
            messages.append(message)
            self._reached[len(messages)] += 1
            waited_for = self._changed.get((len(messages), self._reached[len(messages)]))
            if waited_for is not None:
                waited_for.set()

        return write_down

    async def reach(self, messages: int, accounts: int = 1) -> None:
        """Wait until so many accounts have at least so many messages."""
        if self._reached[messages] >= accounts:
            return
        event = self._changed.setdefault((messages, accounts), asyncio.Event())
        try:
            async with asyncio.timeout(HANG):
                await event.wait()
        except TimeoutError:
            raise AssertionError(
                f"{self._reached[messages]} of {accounts} accounts got {messages} messages within {HANG:g} s"
            ) from None

    def sequences(self, account: str) -> list[int]:
        return [message.sequence for message in self._received[account]]

    def texts(self, account: str) -> list[str]:
        return [message.text for message in self._received[account]]


class HeldSleep:
    """A sleep that lasts until the test lets all sleepers go."""

    def __init__(self, sleepers: int) -> None:
        self._awake = sleepers
        self._all_asleep = asyncio.Event()
        self._let_go = asyncio.Event()

    async def __call__(self, _: float) -> None:
        self._awake -= 1
        if self._awake == 0:
            self._all_asleep.set()
        await self._let_go.wait()

    async def all_asleep(self) -> None:
        async with asyncio.timeout(HANG):
            await self._all_asleep.wait()

    def let_go(self) -> None:
        self._let_go.set()


class RecordedSleep:
    """A sleep that takes no time and writes down how long it should have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)
