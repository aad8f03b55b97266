"""The chat itself: who is connected, who follows which channel, and what is answered to whom."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from ..errors import ConnectionLost, FrameTooLarge, ProtocolError
from ..protocol import (
    CALLS,
    MAX_FRAME,
    REQUESTS,
    Answer,
    Complaint,
    Failed,
    History,
    Login,
    Message,
    Ok,
    Page,
    Ping,
    Push,
    Request,
    Result,
    Subscribe,
    Subscribed,
    decode,
    encode,
    read_body,
)
from .faults import Faults, Gate, Gauges

if TYPE_CHECKING:
    from .commands import Fault
    from .journal import Entry, Journal


class Peer:
    """One connection as the server sees it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.account: str | None = None
        self.channels: frozenset[str] = frozenset()
        self.tasks: set[asyncio.Task[None]] = set()
        self.writer = writer

    def send(self, data: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(data)

    def cut(self) -> None:
        self.writer.transport.abort()


class Chat:
    """The state of the server and all that happens on its chat port."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._peers: set[Peer] = set()
        self._by_account: dict[str, Peer] = {}
        self._begin_anew()
        for entry in journal.load():
            self._keep(entry)

    def _begin_anew(self) -> None:
        self.gauges = Gauges()
        self.faults = Faults()
        self.gate = Gate(self.gauges)
        self.delay = 0.0
        self._channels: defaultdict[str, list[Message]] = defaultdict(list)
        self._keys: set[str] = set()

    async def reset(self) -> None:
        """Send everybody away and forget everything."""
        self.disconnect(None)
        await self.gauges.reach("connected", 0, timeout=10)
        self._journal.clear()
        self._begin_anew()

    def disconnect(self, accounts: list[str] | None) -> None:
        for peer in list(self._peers):
            if accounts is None or peer.account in accounts:
                peer.cut()

    def post(self, entry: Entry) -> None:
        """Keep the messages on disk, then push them to all who follow the channel."""
        if entry.key in self._keys:
            return
        self._journal.append(entry)
        for message in self._keep(entry):
            frame = encode(Push(message))
            for peer in self._peers:
                if message.channel in peer.channels:
                    self._push(peer, message, frame)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        peer = Peer(writer)
        self._peers.add(peer)
        self.gauges.add("connected", 1)
        try:
            while (body := await read_body(reader)) is not None:
                self._take(peer, body)
                await writer.drain()
        except FrameTooLarge as error:
            # What follows such a length cannot be told from a frame: there is nothing left to talk about.
            peer.send(encode(Complaint(str(error))))
        except (ConnectionLost, OSError):
            pass
        finally:
            self._forget(peer)
            writer.close()

    def _keep(self, entry: Entry) -> list[Message]:
        messages = self._channels[entry.channel]
        known = len(messages)
        messages += (Message(entry.channel, known + place, text) for place, text in enumerate(entry.texts, 1))
        self._keys.add(entry.key)
        return messages[known:]

    def _push(self, peer: Peer, message: Message, frame: bytes) -> None:
        fault = self.faults.take("push", peer.account, message.channel)
        if fault is None:
            peer.send(frame)
        elif fault.kind == "repeat":
            peer.send(frame * 2)

    def _forget(self, peer: Peer) -> None:
        for task in peer.tasks:
            task.cancel()
        self._peers.discard(peer)
        if peer.account is not None and self._by_account.get(peer.account) is peer:
            del self._by_account[peer.account]
        if peer.channels:
            self.gauges.add("subscribed", -1)
        self.gauges.add("connected", -1)

    def _take(self, peer: Peer, body: bytes) -> None:
        try:
            call = decode(body, CALLS)
        except ProtocolError as error:
            peer.send(encode(Complaint(str(error))))
            return
        try:
            request = decode(call.request, REQUESTS)
        except ProtocolError as error:
            peer.send(encode(Answer(call.id, Failed("bad_request", str(error)))))
            return
        if isinstance(request, History):  # the only one that may take long, so the others overtake it
            task = asyncio.create_task(self._answer_history(peer, call.id, request))
            peer.tasks.add(task)
            task.add_done_callback(peer.tasks.discard)
        else:
            self._answer(peer, call.id, request)

    def _answer(self, peer: Peer, number: int, request: Login | Subscribe | Ping) -> None:
        if self._goes_wrong(peer, number, request):
            return
        match request:
            case Login(account):
                self._log_in(peer, account)
                result: Result = Ok()
            case Ping():
                result = Ok()
            case Subscribe(after):
                result = self._subscribe(peer, after)
        peer.send(encode(Answer(number, result)))
        if isinstance(result, Subscribed) and isinstance(request, Subscribe):
            self._replay(peer, request.after)

    async def _answer_history(self, peer: Peer, number: int, request: History) -> None:
        await self.gate.enter()
        if self.delay:
            await asyncio.sleep(self.delay)
        if not self._goes_wrong(peer, number, request):
            peer.send(encode(Answer(number, self._history(peer, request))))
            self.gauges.add("served", 1)

    def _log_in(self, peer: Peer, account: str) -> None:
        older = self._by_account.get(account)
        if older is not None and older is not peer:
            older.cut()
        peer.account = account
        self._by_account[account] = peer
        self.gauges.add("logins", 1)

    def _subscribe(self, peer: Peer, after: dict[str, int | None]) -> Result:
        if peer.account is None:
            return Failed("login_first", "nobody is logged in on this connection")
        for channel, position in after.items():
            if channel not in self._channels:
                return Failed("unknown_channel", f"there is no channel {channel!r}")
            last = len(self._channels[channel])
            if position is not None and position > last:
                return Failed("ahead", f"{channel!r} ends at {last}, so nothing can follow {position}")
        if bool(after) != bool(peer.channels):
            self.gauges.add("subscribed", 1 if after else -1)
        peer.channels = frozenset(after)
        return Subscribed({channel: len(self._channels[channel]) for channel in after})

    def _replay(self, peer: Peer, after: dict[str, int | None]) -> None:
        for channel, position in after.items():
            if position is not None:
                missed = self._channels[channel][position:]
                for message in missed:
                    peer.send(encode(Push(message)))
                self.gauges.add("replayed", len(missed))

    def _history(self, peer: Peer, request: History) -> Result:
        if peer.account is None:
            return Failed("login_first", "nobody is logged in on this connection")
        if request.channel not in self._channels:
            return Failed("unknown_channel", f"there is no channel {request.channel!r}")
        messages = self._channels[request.channel]
        end = len(messages) if request.before is None else min(request.before - 1, len(messages))
        return Page(messages[max(0, end - request.limit) : end][::-1])

    def _goes_wrong(self, peer: Peer, number: int, request: Request) -> bool:
        match request:
            case Login(account):
                fault = self.faults.take("login", account, None)
            case Subscribe():
                fault = self.faults.take("subscribe", peer.account, None)
            case History(channel):
                fault = self.faults.take("history", peer.account, channel)
            case _:
                fault = None
        if fault is None:
            return False
        _carry_out(fault, peer, number)
        return True


def _carry_out(fault: Fault, peer: Peer, number: int) -> None:
    match fault.kind:
        case "flood":
            peer.send(encode(Answer(number, Failed("flood", "too many requests", fault.retry_after))))
        case "fault":
            peer.send(encode(Answer(number, Failed("fault", "the server has a fault"))))
        case "refuse":
            peer.send(encode(Answer(number, Failed("refused", "the server refuses"))))
        case "drop":
            peer.cut()
        case "garbage":
            peer.send((5).to_bytes(4, "big") + b"\x00\xff{]\n")
        case "oversize":
            peer.send((MAX_FRAME + 1).to_bytes(4, "big"))
        case _:
            pass  # silence: the caller waits for nothing
