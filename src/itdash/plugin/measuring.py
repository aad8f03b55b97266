"""Listens while a test with budgets runs, and says what the operations that they name did."""

from __future__ import annotations

from operator import attrgetter
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from itdash.events.ops import BEGUN, NUMBERS, Decoder
from itdash.events.opsfiles import OperationFiles
from itdash.measure.tally import Tally
from itdash.probe import attention
from itdash.probe.listener import Listener
from itdash.probe.windows import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.events.ops import Edge
    from itdash.measure.verdict import Measured

_SLACK = 300_000_000

# Held in a tuple, out of reach of a test that freezes time.
_NOW = (perf_counter_ns,)
_open = open

_TOLD_BY_ITDASH = "itdash.jsonl"


class Measuring(Protocol):
    """What goes on from the start of a test's call to its end."""

    def finish(self) -> dict[str, Measured]:
        """What each of the named operations did in between."""


class _Gathering:
    """The operations of some names that began at or after a moment."""

    def __init__(self, names: Iterable[str], since: int) -> None:
        self.tallies = {name: Tally() for name in names}
        self.since = since

    def take(self, decoder: Decoder, edges: list[Edge]) -> None:
        """Count what is of interest."""
        names, since, tallies = decoder.names, self.since, self.tallies
        wanted = {number: tallies.get(name) for number, (name, _) in names.items()}
        for number, t, duration, outcome in edges:
            tally = wanted.get(number)
            if tally is None or (t if duration == BEGUN or not outcome else t - duration) < since:
                continue
            if duration == BEGUN:
                tally.begin(t)
            else:
                tally.end(t, duration, outcome)

    def abandon(self, decoder: Decoder, t: int) -> None:
        """The process is gone since `t`."""
        for word in decoder.open.values():
            tally = self.tallies.get(decoder.names.get(word & (NUMBERS - 1), ("", {}))[0])
            if tally is not None and word >> 12 >= self.since:
                tally.abandon(t, 1)
        decoder.open.clear()

    def settle(self, until: int | None) -> None:
        """Nothing before this moment will come any more."""
        for tally in self.tallies.values():
            tally.settle(until)

    def measured(self) -> dict[str, Measured]:
        """The figures."""
        self.settle(None)
        return {name: tally.measured(name) for name, tally in self.tallies.items()}


class Recorded:
    """Reads what this process and its children put on record for a run."""

    def __init__(self, place: attention.Place) -> None:
        self._place = place
        self._files = OperationFiles(f"{place.folder}/{attention.SEGMENTS}", place.owner, hold=False)
        self._decoders: dict[str, Decoder] = {}
        self._origin = place.origin
        self._gathering = _Gathering((), 0)
        self._now = _NOW[0]

    def begin(self, names: Iterable[str]) -> Measuring:
        """A test's call begins."""
        self._gathering = _Gathering(names, self._now() - self._origin)
        return self

    def finish(self) -> dict[str, Measured]:
        """It is over."""
        while events := self._files.read() or self._files.read_idle():
            for event in sorted(events, key=attrgetter("t")):
                decoder = self._decoders.setdefault(event.source, Decoder())
                self._gathering.take(decoder, decoder.feed(event.slot, event.words))
                decoder.values.clear()
            behind = [event.gap or event.t for event in events if event.more]
            if behind:
                self._gathering.settle(min(behind) - _SLACK)
        self._leave_the_lost()
        return self._gathering.measured()

    def _leave_the_lost(self) -> None:
        """What a child had in flight when it was killed, as far as itdash has told of it by now."""
        flying = {source for source, decoder in self._decoders.items() if decoder.open} - {self._place.owner}
        if not flying:
            return
        from itdash.events.model import ProbeLost  # whoever records has imported these before the test
        from itdash.events.wire import decode

        try:
            with _open(f"{self._place.folder}/{attention.SEGMENTS}/{_TOLD_BY_ITDASH}", "rb") as handle:
                told, _ = decode(b"".join(line for line in handle if b'"ProbeLost"' in line))
        except OSError:
            return
        for event in told:
            if isinstance(event, ProbeLost) and event.source in flying:
                self._gathering.abandon(self._decoders[event.source], event.t)


class InMemory:
    """Listens in this process alone, for a test that nobody records."""

    def __init__(self, names: Iterable[str]) -> None:
        self._decoder = Decoder()
        self._gathering = _Gathering(names, 0)
        self._windows = Memory(self._take)
        self._before: Any = attention.listen(Listener(self._windows, _NOW[0](), {}))

    def finish(self) -> dict[str, Measured]:
        """It is over."""
        attention.put_back(self._before)
        self._windows.finish()
        return self._gathering.measured()

    def _take(self, slot: int, words: bytes) -> None:
        edges = self._decoder.feed(slot, words)
        self._gathering.take(self._decoder, edges)
        self._decoder.values.clear()
        if edges:
            self._gathering.settle(edges[-1][1] - _SLACK)


class Ear:
    """Finds the way to listen in this process."""

    def __init__(self) -> None:
        self._recorded: Recorded | None = None

    def begin(self, names: Iterable[str]) -> Measuring:
        """Listen until `finish`."""
        place = attention.place()
        if attention.current() is None or place is None:
            return InMemory(names)
        if self._recorded is None:
            self._recorded = Recorded(place)
        return self._recorded.begin(names)
