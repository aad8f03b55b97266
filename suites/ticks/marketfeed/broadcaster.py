"""Brings events to the clients of those users who want them."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from itdash import probe

from .commands import Missed, Mistake, Monitor, Subscribe, Subscribed, Unsubscribe, Welcome, read_command
from .errors import LinkLost, Rejected
from .events import BacktestProgress, BacktestResult, PartHealth, PatternAlert, ServiceHealth, encode
from .members import Connection, Member
from .statistics import Statistics
from .subscriptions import Filter, Subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .commands import Command, Resume
    from .events import Event
    from .ports import Link
    from .settings import BroadcastSettings

_log = logging.getLogger(__name__)

POLICY = 1008
RESTARTS = 1012

WANTED = (PatternAlert, BacktestProgress, BacktestResult, ServiceHealth, PartHealth)
"""The types of events that `handle` knows."""


class WebSocketBroadcaster:
    """No client waits for another: each has a mailbox that ends somewhere, and a task that sends."""

    def __init__(self, settings: BroadcastSettings) -> None:
        self.statistics = Statistics("broadcaster")
        self.running = False
        self._settings = settings
        self._subscriptions = Subscriptions()
        self._members: dict[str, Member] = {}
        """Everybody who is here, or was and is remembered, by name."""
        self._away: dict[str, Member] = {}
        """Those of them who are away, in the order in which they went."""
        self._dirty: set[Member] = set()
        self._flush_at: asyncio.TimerHandle | None = None
        self._flushed_last = 0.0
        self._sweeper: asyncio.Task[None] | None = None

    # -- events --

    async def handle(self, event: Event) -> None:
        match event:
            case PatternAlert():
                wanted = self._subscriptions.matching(event)
                self._deliver((self._members[name] for name in wanted), event)
            case BacktestResult():
                self._deliver(self._members.values(), event)
            case BacktestProgress():  # who comes back later wants the result only
                self._deliver((m for m in self._members.values() if m.connections), event)
            case ServiceHealth() | PartHealth():
                self._deliver((m for m in self._members.values() if m.connections and m.monitors), event)

    def _deliver(self, members: Iterable[Member], event: Event) -> None:
        message = encode(event)
        here = kept = 0
        for member in members:
            if member.connections:
                self._overflowed(member.put(message, self._settings.connected))
                self._dirty.add(member)
                here += 1
            else:
                self._overflowed(member.put(message, self._settings.away))
                kept += 1
        self.statistics.count("addressed", here)
        self.statistics.count("kept", kept)
        if self._dirty and self._flush_at is None:
            loop = asyncio.get_running_loop()
            self._flush_at = loop.call_at(self._flushed_last + self._settings.gather, self._flush)

    def _flush(self) -> None:
        self._flush_at = None
        self._flushed_last = asyncio.get_running_loop().time()
        dirty, self._dirty = self._dirty, set()
        for member in dirty:
            for connection in member.connections:
                connection.rouse()

    def _overflowed(self, messages: int) -> None:
        if messages:
            self.statistics.count("overflowed", messages)

    # -- clients --

    async def serve(self, resume: Resume, link: Link) -> None:
        """One client, from its first message to its last."""
        if not self.running:
            await link.close(RESTARTS, "the service is not running")
            return
        connection = self._arrive(resume, link)
        writer = asyncio.create_task(self._write(connection), name=f"writer of {resume.user}")
        try:
            with probe.operation("connection"), suppress(LinkLost):
                while True:
                    await self._obey(connection, await link.receive())
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._leave(connection)

    async def _write(self, connection: Connection) -> None:
        with suppress(LinkLost):
            await connection.write(self._settings.away)

    def _arrive(self, resume: Resume, link: Link) -> Connection:
        member = self._members.setdefault(resume.user, Member(resume.user))
        self._away.pop(resume.user, None)
        start, lost = self._start(member, resume)
        connection = Connection(member, link, start)
        patterns = self._subscriptions.of(member.name)
        connection.tell(Welcome(user=member.name, epoch=member.epoch, next=start, patterns=patterns))
        if lost:
            connection.tell(Missed(count=None))
        member.connections.add(connection)
        self.statistics.count("connected")
        return connection

    @staticmethod
    def _start(member: Member, resume: Resume) -> tuple[int, bool]:
        """The number to begin with, and whether messages of another epoch are lost."""
        if resume.after is None:
            return member.sent + 1, False
        if resume.epoch != member.epoch:
            return member.sent + 1, True
        return min(resume.after + 1, member.mailbox.next), False

    def _leave(self, connection: Connection) -> None:
        member = connection.member
        member.connections.discard(connection)
        self.statistics.count("disconnected")
        if not member.connections:
            member.away_since = time.monotonic()
            self._overflowed(member.shrink(self._settings.away))
            self._away[member.name] = member
            if len(self._away) > self._settings.away_users:
                self._forget(next(iter(self._away.values())))

    # -- what clients say --

    async def _obey(self, connection: Connection, content: str | bytes) -> None:
        try:
            self._carry_out(connection.member, read_command(content))
        except Rejected as error:
            self.statistics.count(f"rejected.{error.reason}")
            connection.strikes += 1
            if connection.strikes >= self._settings.strikes:
                await connection.link.close(POLICY, f"{connection.strikes} messages in a row make no sense")
            await connection.answer(Mistake(code=error.reason, message=str(error)[:500]))
        else:
            connection.strikes = 0
            member = connection.member
            patterns = self._subscriptions.of(member.name)
            await connection.answer(Subscribed(patterns=patterns, monitor=member.monitors))

    def _carry_out(self, member: Member, command: Command) -> None:
        match command:
            case Subscribe(patterns=patterns, symbols=symbols, confidence=confidence):
                if len({*patterns, *self._subscriptions.of(member.name)}) > self._settings.patterns:
                    raise Rejected("too_many", f"a user may have {self._settings.patterns} patterns")
                for pattern in patterns:
                    self._subscriptions.add(member.name, pattern, Filter(symbols, confidence))
            case Unsubscribe(patterns=patterns):
                for pattern in patterns:
                    self._subscriptions.remove(member.name, pattern)
            case Monitor(on=on):
                member.monitors = on

    # -- from start to end --

    async def start(self) -> None:
        self.running = True
        self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="sweeper")

    async def stop(self, grace: float) -> None:
        """Send what there is to all who are there, within this time, and close their connections."""
        self.running = False
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)
        if self._flush_at is not None:
            self._flush_at.cancel()
        self._flush()
        connections = [c for member in self._members.values() for c in member.connections]
        await asyncio.gather(*(self._part(connection, grace) for connection in connections))

    async def _part(self, connection: Connection, grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                await connection.flushed()
                await connection.link.close(RESTARTS, "the service ends")
        except (TimeoutError, LinkLost):
            connection.link.abort()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep)
            self.sweep(time.monotonic())

    def sweep(self, now: float) -> None:
        """Cut connections on which nothing is heard, and forget users who have been away for too long."""
        for member in self._members.values():
            for connection in member.connections:
                if now - connection.link.heard > self._settings.stale_after:
                    self.statistics.count("stale")
                    _log.info("nothing is heard from a client of %s", member.name)
                    connection.link.abort()
        for member in list(self._away.values()):
            if now - member.away_since > self._settings.away_seconds:
                self._forget(member)

    def _forget(self, member: Member) -> None:
        del self._members[member.name]
        del self._away[member.name]
        self._subscriptions.forget(member.name)
        self.statistics.count("forgotten")

    def levels(self) -> dict[str, int]:
        """How much of everything there is now."""
        members = self._members.values()
        return {
            "users": len(members),
            "away": len(self._away),
            "connections": sum(len(member.connections) for member in members),
            "subscriptions": len(self._subscriptions),
            "messages": sum(len(member.mailbox) for member in members),
            "bytes": sum(member.mailbox.size for member in members),
        }
