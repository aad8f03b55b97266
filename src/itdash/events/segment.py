"""One process's own file of events: whole lines, appended at once, whatever a test does to the process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from time import perf_counter_ns
from typing import TYPE_CHECKING

from itdash.events.wire import encode

if TYPE_CHECKING:
    from itdash.events.model import Event

# Tests that close "all" descriptors stop at 256 or 1024, and new files take the lowest free number.
_HIGH_FD = 700


def high(low: int) -> int:
    """The same file under a high number, out of the way of tests that close and reuse low ones."""
    try:
        moved = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD)
    except OSError:
        return low
    os.close(low)
    return moved


class Segment:
    """Appends events to `path`; when the disk refuses, sends them through the pipe at `overflow`.

    Every function of the operating system is held by the instance, so that a test which patches
    `os` or `time` changes nothing here. A forked child gets a silent copy.
    """

    __slots__ = (
        "__weakref__", "_encode", "_fd", "_now", "_open", "_overflow", "_path", "_torn", "_write",
        "emit_ns", "events", "lost", "origin", "pid",
    )  # fmt: skip

    def __init__(self, path: str, origin: int, overflow: str = "") -> None:
        self._path, self.origin, self._overflow = path, origin, overflow
        self._open, self._write, self._now, self._encode = os.open, os.write, perf_counter_ns, encode
        self.pid = os.getpid()
        self.events = self.emit_ns = self.lost = 0
        self._torn = False
        self._fd = self._reopen()
        _alive.add(self)

    def now(self) -> int:
        """Nanoseconds since the run began, on the clock that all processes of a machine share."""
        return self._now() - self.origin

    def append(self, event: Event) -> None:
        """Put one event on record; never raises, never waits for a reader."""
        began = self._now()
        if self.pid == 0:
            return
        line = self._encode(event)
        if self._torn:
            line = b"\n" + line
        try:
            done = self._write(self._fd, line)
            self._torn = done != len(line)
            if self._torn:
                self._spill(line)
        except OSError as error:
            self._retry(line, error)
        self.events += 1
        self.emit_ns += self._now() - began

    def close(self) -> None:
        """Give the descriptor back, if it is still ours."""
        if self.pid and self._fd >= 0 and self._is_ours():
            os.close(self._fd)
        self._fd, self.pid = -1, 0

    def silence(self) -> None:
        """Write nothing more: this is a forked child, or a nested run."""
        self.pid = 0

    def _reopen(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            low = self._open(self._path, flags, 0o644)
        except OSError:
            return -1
        return high(low)

    def _is_ours(self) -> bool:
        try:
            here, there = os.fstat(self._fd), os.stat(self._path)
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def _retry(self, line: bytes, error: OSError) -> None:
        if error.errno == errno.EBADF:
            self._fd = self._reopen()
            try:
                if self._write(self._fd, line) == len(line):
                    return
                self._torn = True
            except OSError:
                pass
        self._spill(line)

    def _spill(self, line: bytes) -> None:
        """The second way out: a named pipe that itdash reads; what does not fit is counted as lost."""
        try:
            pipe = self._open(self._overflow, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self.lost += 1
            return
        try:
            if self._write(pipe, line.lstrip(b"\n")) != len(line.lstrip(b"\n")):
                self.lost += 1
        except OSError:
            self.lost += 1
        finally:
            os.close(pipe)


_alive: set[Segment] = set()


def _after_fork() -> None:
    for segment in _alive:
        segment.silence()


with contextlib.suppress(AttributeError):
    os.register_at_fork(after_in_child=_after_fork)
