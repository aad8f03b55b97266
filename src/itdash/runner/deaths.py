"""Notices when a process is gone that had operations in flight, whoever killed it."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Final

from itdash.events import model
from itdash.events.births import born, numbering

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.state.operations import Operations

_MOST: Final = 200
"""So many processes are watched at once: each takes a descriptor."""


class Deaths:
    """Watches the processes of one run; `read_anew` has a file read to its end before its process counts."""

    def __init__(self, emit: Callable[[model.Event], None], read_anew: Callable[[str], None]) -> None:
        self._emit, self._read_anew = emit, read_anew
        self._numbering = numbering() if hasattr(os, "pidfd_open") else ""
        self._poll = select.poll()
        self._watched: dict[int, str] = {}
        self._names: set[str] = set()
        self._gone: dict[str, int] = {}

    def check(self, now: int, operations: Operations) -> None:
        """Tell of those that were gone at the last look and have operations in flight for all that."""
        if not self._numbering:
            return
        flying = operations.in_flight()
        for source, t in self._gone.items():
            if source in flying:
                self._emit(model.ProbeLost(t, source))
        self._gone.clear()
        for source in flying.keys() - self._names:
            self._watch(source, flying[source], now)
        if self._watched:
            for descriptor, _ in self._poll.poll(0):
                self._forget(descriptor, now)

    def close(self) -> None:
        """Give every descriptor back."""
        for descriptor in self._watched:
            os.close(descriptor)
        self._watched.clear()

    def _watch(self, source: str, told: dict[str, object], now: int) -> None:
        pid, start = told.get("pid"), told.get("born")
        if told.get("numbering") != self._numbering or not (start and type(pid) is int):
            self._names.add(source)  # another machine's or a container's: its number means nothing here
            return
        if len(self._watched) >= _MOST:
            return
        self._names.add(source)
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._notice(source, now)
            return
        except OSError:
            return
        if born(pid) not in ("", start):
            os.close(descriptor)
            self._notice(source, now)
            return
        self._watched[descriptor] = source
        self._poll.register(descriptor, select.POLLIN)

    def _forget(self, descriptor: int, now: int) -> None:
        self._poll.unregister(descriptor)
        os.close(descriptor)
        self._notice(self._watched.pop(descriptor), now)

    def _notice(self, source: str, now: int) -> None:
        self._gone[source] = now
        self._read_anew(source)
