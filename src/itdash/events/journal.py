"""The run directory as a journal: its segments read live, late or in pieces, always in order of time."""

from __future__ import annotations

import os
from operator import attrgetter
from typing import TYPE_CHECKING

from itdash.events.opsfiles import OperationFiles
from itdash.events.wire import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from itdash.events.model import AnyEvent

SEGMENTS = "segments"
OVERFLOW = "overflow"
_KEPT = "overflow.jsonl"
_CHUNK = 4 << 20
_IDLE_EVERY = 20

_moment = attrgetter("t")


class _Reader:
    """Reads whole lines from one segment that may still grow."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._rest = b""
        self.full = False

    def lines(self, most: int) -> bytes:
        """Whole lines that were not read yet, about so many bytes; `full` tells that there may be more."""
        pieces = [self._rest]
        while True:
            try:
                data = os.read(self._fd, most)
            except BlockingIOError:
                data = b""
            cut = data.rfind(b"\n") + 1
            if not data or cut:
                break
            pieces.append(data)  # a line that is longer than a chunk
        self.full = len(data) == most
        self._rest = data[cut:] if cut else b"".join(pieces)
        return b"".join(pieces) + data[:cut] if cut else b""

    @property
    def rest(self) -> bytes:
        """The start of a line whose end has not come."""
        return self._rest

    def close(self) -> None:
        os.close(self._fd)


class Tail:
    """Follows all segments of a run directory, those too that appear later."""

    def __init__(self, run: Path) -> None:
        self._folder = run / SEGMENTS
        self._overflow = run / OVERFLOW
        self._readers: dict[str, _Reader] = {}
        self._operations = OperationFiles(self._folder)
        self._held: list[AnyEvent] = []
        self._quiet = 0
        self.unread = 0
        self.bytes = 0

    def open_overflow(self) -> None:
        """Make and hold the pipe through which a process speaks when the disk refuses it."""
        try:
            os.mkfifo(self._overflow)
            self._readers[OVERFLOW] = _Reader(str(self._overflow))
        except OSError:
            return

    def read(self, most: int = _CHUNK) -> list[AnyEvent]:
        """What is new, oldest first, of each segment about `most` bytes; empty when all is read."""
        self._discover()
        # Read first and given last: what a test began comes no earlier than the line that says that it began.
        operations = self._operations.read()
        self.bytes += sum(len(event.words) for event in operations)
        self._held += operations
        batches: list[list[AnyEvent]] = []
        full = False
        for name, reader in self._readers.items():
            lines = reader.lines(most)
            full |= reader.full
            if lines:
                if name == OVERFLOW:
                    self._keep(lines)
                self.bytes += len(lines)
                events, unread = decode(lines)
                self.unread += unread
                batches.append(events)
        if self._held and not full:
            batches.append(self._held)
            self._held = []
        self._quiet = 0 if batches else self._quiet + 1
        if self._quiet % _IDLE_EVERY == 1:
            batches.append(list(self._operations.read_idle()))
        if len(batches) < 2:
            return batches[0] if batches else []
        return sorted((event for batch in batches for event in batch), key=_moment)

    def read_anew(self, source: str = "") -> None:
        """Let the next `read` look at this file of operations, or at all, also if nothing was new there."""
        self._operations.read_anew(source)

    def _keep(self, lines: bytes) -> None:
        """What came through the pipe is put on disk by us, for a later reader, if we may write."""
        try:
            with (self._folder / _KEPT).open("ab") as kept:
                kept.write(lines)
        except OSError:
            return

    @property
    def unread_so_far(self) -> int:
        """Lines that could not be read, and beginnings of lines that had no end."""
        return self.unread + sum(bool(reader.rest.strip()) for reader in self._readers.values())

    def close(self) -> None:
        """Stop reading; a line without an end counts as unread."""
        self.unread = self.unread_so_far
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._operations.close()

    def _had(self, name: str) -> bool:
        """Whether these lines came through the pipe already."""
        return name == _KEPT and OVERFLOW in self._readers

    def _discover(self) -> None:
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return
        if len(names) >= len(self._readers):
            for name in sorted(names):
                if name not in self._readers and name.endswith(".jsonl") and not self._had(name):
                    self._readers[name] = _Reader(os.path.join(self._folder, name))


def replay(run: Path) -> tuple[list[AnyEvent], int]:
    """Every event of a recorded run in order of time, and how many lines could not be read."""
    tail = Tail(run)
    events: list[AnyEvent] = []
    while batch := tail.read():
        events += batch
    tail.close()
    events.sort(key=_moment)
    return events, tail.unread


def runs(folder: Path) -> Iterator[Path]:
    """The run directories below `folder`, newest first."""
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if (folder / name / SEGMENTS).is_dir():
            yield folder / name
