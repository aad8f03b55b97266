"""Who listens to the probe in this process: found out at the first operation, and anew in a forked child."""

from __future__ import annotations

import contextlib
import os
from _thread import RLock
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from itdash.events.births import born, numbering
from itdash.probe import regions

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.probe.listener import Listener
    from itdash.probe.windows import File

VARIABLE: Final = "ITDASH_PROBE"
"""Tells a child process where to record: origin; owner; worker; run directory."""

SEGMENTS: Final = "segments"

# Held in a tuple, so that a test that patches `os` or `time` changes nothing here.
_OS = (os.getpid, os.open, os.write, os.close)


class Place:
    """Where the operations of this process and its children are recorded."""

    __slots__ = ("folder", "note", "origin", "owner", "pid", "worker")

    def __init__(
        self, folder: str, origin: int, owner: str, worker: str,
        note: Callable[[str, str], None] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.origin, self.owner, self.worker, self.note = folder, origin, owner, worker, note
        self.pid = _OS[0]()

    def __str__(self) -> str:
        return f"{self.origin};{self.owner};{self.worker};{self.folder}"


class Attention:
    """Stands where a listener would until the first operation; then finds out whether anybody listens."""

    def begin(self, first: regions.operation) -> None:
        """The first operation."""
        found = current()
        if found is not None:
            found.begin(first)

    def failed(self, error: Exception) -> None:
        """Nobody can be told."""


class Silence:
    """Takes what a forked child would have written to its parent's file."""

    def __setitem__(self, place: object, words: object, /) -> None: ...

    def __len__(self) -> int:
        return 1 << 62


_own: Place | None = None
_lock = RLock()


def current() -> Listener | None:
    """Who listens, found out now if it is not known yet."""
    if isinstance(regions.listener, Attention):
        with _lock:
            if isinstance(regions.listener, Attention):
                try:
                    regions.listener = _found()
                except Exception:  # a test may have patched whatever is needed for it
                    regions.listener = None
    return regions.listener


def place() -> Place | None:
    """Where this process records, if it does."""
    return _own or _inherited()


def record_at(where: Place) -> None:
    """Record what this process and its children tell; a file is made when there is something to tell."""
    global _own  # noqa: PLW0603  # one probe for each process
    _own = where
    regions.listener = Attention()


def listen(listener: Listener | None) -> object:
    """Let somebody listen, or nobody; who did before, to be put back."""
    before = regions.listener
    regions.listener = listener
    return before


def put_back(before: Any) -> None:
    """Let those listen again that did before."""
    regions.listener = before


def cost() -> tuple[int, int, int, int, int] | None:
    """What recording took so far: words, bytes, nanoseconds, words lost, measurements refused.

    The nanoseconds are an estimate: so many operations without anything in them are timed now.
    """
    listener = regions.listener
    if listener is None or isinstance(listener, Attention):
        return None
    words = listener.slots
    failures, lost = listener.failures, listener.lost
    return words, 8 * words, words * listener.pace() // 2, lost, failures


def _found() -> Listener | None:
    place = _own or _inherited()
    if place is None:
        return None
    from itdash.probe.listener import Listener

    file, source = _file(place)
    note = place.note if place is _own and place.pid == _OS[0]() else None
    told = {"worker": place.worker, "born": born(_OS[0]()), "numbering": numbering()}
    return Listener(file, place.origin, told, note or _Notes(place, source))


def _file(place: Place) -> tuple[File, str]:
    from itdash.probe.windows import File

    pid = _OS[0]()
    names = [place.owner] if place is _own and place.pid == pid else []
    names += [f"{place.owner}.{pid}", *(f"{place.owner}.{pid}-{number}" for number in range(2, 100))]
    for name in names:
        try:
            return File(f"{place.folder}/{SEGMENTS}/{name}.ops"), name
        except FileExistsError:
            continue
    raise FileExistsError(place.folder)


def _inherited() -> Place | None:
    told = os.environ.get(VARIABLE, "").split(";", 3)
    if len(told) != 4 or not told[0].isdigit():
        return None
    return Place(told[3], int(told[0]), told[1], told[2])


class _Notes:
    """Writes notes of a child process as events; it need not import what the recorder does."""

    def __init__(self, place: Place, source: str) -> None:
        self._place, self._source = place, source

    def __call__(self, kind: str, text: str) -> None:
        import json
        from time import perf_counter_ns

        event = {"kind": kind, "t": perf_counter_ns() - self._place.origin, "text": text}
        path = f"{self._place.folder}/{SEGMENTS}/{self._source}.jsonl"
        _, open_, write, close = _OS
        try:
            file = open_(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                write(file, json.dumps(event).encode("ascii") + b"\n")
            finally:
                close(file)
        except OSError:
            return


def _after_fork() -> None:
    """A child has its own file; what its parent began, it does not end."""
    global _lock  # noqa: PLW0603  # another thread of the parent may have held it
    _lock = RLock()
    left = regions.listener
    if left is None:
        return
    if not isinstance(left, Attention):
        left.window = (count(), Silence(), 0)
    regions.listener = Attention()


regions.listener = Attention()
with contextlib.suppress(AttributeError):
    os.register_at_fork(after_in_child=_after_fork)
