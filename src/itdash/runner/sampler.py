"""Looks at the pytest process and all below it twice a second: CPU, memory, processes, threads, descriptors.

A look takes 0.1 ms for each process of the tree, and 1 ms to find them where the machine runs 150 processes.
At the first one psutil is imported, which takes 10 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.events import model

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY: Final = 500_000_000
_FIRST: Final = 300_000_000
"""When pytest has started and collects: importing psutil must not hold its start up."""


class Sampler:
    """Samples one run; it never raises, and stops for good where the system does not let it look."""

    def __init__(self, emit: Callable[[model.Event], None]) -> None:
        self._emit = emit
        self._next = _FIRST

    def check(self, now: int, pid: int) -> None:
        """Look at the tree below `pid`, if it is time to."""
        if now < self._next or not pid:
            return
        self._next = now + _EVERY
        try:
            self._look(now, pid)
        except Exception:  # psutil is there to be believed, not to end a run
            self._next = 1 << 62

    def _look(self, now: int, pid: int) -> None:
        import psutil

        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.Error:
            return  # it has just ended
        cpu = 0.0
        memory = processes = threads = descriptors = 0
        for process in tree:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu += times.user + times.system + times.children_user + times.children_system
                    memory += process.memory_info().rss
                    threads += process.num_threads()
                    descriptors += process.num_fds()
            except psutil.Error:  # gone meanwhile, or another user's
                continue
            processes += 1
        if processes:
            self._emit(
                model.ResourcesSampled(now, pid, int(cpu * 1e9), memory, processes, threads, descriptors)
            )
