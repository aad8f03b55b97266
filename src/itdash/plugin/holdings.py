"""What this process holds at a moment: threads, descriptors, child processes; cheap to count, dearer to list.

Every function of the system is held from before the tests, and no descriptor is kept open.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_FDS: Final = "/proc/self/fd"


class Counts(NamedTuple):
    """How many there are."""

    threads: int
    descriptors: int
    children: int


class Holdings(NamedTuple):
    """Which ones: threads by their number, the targets of descriptors, the children that still run."""

    counts: Counts
    threads: Mapping[int, threading.Thread]
    descriptors: Mapping[int, str]
    children: Mapping[int, str]

    @property
    def sockets(self) -> int:
        """How many descriptors are sockets."""
        return sum(target.startswith("socket:") for target in self.descriptors.values())


class Look:
    """Looks at this process; OSError where the system has no /proc."""

    def __init__(self) -> None:
        self._stat, self._listdir, self._readlink = os.stat, os.listdir, os.readlink
        self._open, self._read, self._close = os.open, os.read, os.close
        self._waitid, self._getpid = os.waitid, os.getpid
        self._any = (os.P_ALL, 0, os.WNOHANG | os.WNOWAIT | os.WEXITED)
        self._threads: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
        self._kernel_counts = os.stat(_FDS).st_size > 0  # since Linux 6.2

    def counts(self) -> Counts:
        """All that can be had without looking closer."""
        told = self._stat(_FDS).st_size if self._kernel_counts else len(self._listdir(_FDS)) - 1
        return Counts(len(self._threads), told, self._count_children())

    def all(self) -> Holdings:
        """Everything by name."""
        descriptors = {}
        for name in self._listdir(_FDS):
            try:
                descriptors[int(name)] = self._readlink(f"{_FDS}/{name}")
            except OSError:
                pass  # that of this very list
        children = {}
        for pid in self._children():
            if born := self.born(pid):
                children[pid] = born
        return Holdings(self.counts(), dict(self._threads), descriptors, children)

    def target(self, descriptor: int) -> str:
        """What a descriptor leads to; nothing if it is closed."""
        try:
            return self._readlink(f"{_FDS}/{descriptor}")
        except OSError:
            return ""

    def born(self, pid: int) -> str:
        """When a process was started, in ticks of the system; nothing if there is none that runs."""
        fields = self._fields(pid)
        return "" if not fields or fields[0] in ("Z", "X") else fields[19]

    def command(self, pid: int) -> str:
        """The command of a process."""
        return self._text(f"/proc/{pid}/cmdline").replace("\0", " ").strip()

    def _fields(self, pid: int) -> list[str]:
        return self._text(f"/proc/{pid}/stat").rpartition(")")[2].split()

    def _count_children(self) -> int:
        try:
            self._waitid(*self._any)
        except ChildProcessError:
            return 0
        return len(self._children())

    def _children(self) -> list[int]:
        """The children of each thread that Python knows; those of others go to the first when these end."""
        pid = self._getpid()
        tasks = {pid, *(thread.native_id or pid for thread in list(self._threads.values()))}
        texts = [self._text(f"/proc/{pid}/task/{task}/children") for task in tasks]
        return [int(child) for text in texts for child in text.split()]

    def _text(self, path: str) -> str:
        try:
            handle = self._open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            data = b""
            while piece := self._read(handle, 65_536):
                data += piece
        except OSError:
            return ""
        finally:
            self._close(handle)
        return data.decode("utf-8", "backslashreplace")
