"""What a run leaves behind: the processes below this one found, laid to a test, and ended."""

from __future__ import annotations

import os
import select
import sys
import time

_KILL, _TERM = 9, 15
_SETTLE = 0.25
_GRACE = 1.0


def adopt_orphans() -> None:
    """Become the parent of every process below that loses its own (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """The living children of a process, as /proc tells them; none where there is no /proc."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as listed:
            names = listed.read().decode().split()
    except FileNotFoundError:
        try:
            names = os.listdir("/proc")
        except OSError:
            return []
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            stat = _stat(int(name))
            if stat and stat[0] == pid and stat[1] not in "ZX":
                found.append(int(name))
    return found


def _stat(pid: int) -> tuple[int, str, int] | None:
    """Parent, state and start (in clock ticks since boot) of a process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0].decode(), int(fields[19])


def left_behind(but: int = 0) -> list[tuple[int, str, str, int]]:
    """Processes that are still there when they had time to go: pid, command, test, start in nanoseconds.

    The child `but` and all below it are nobody's leftovers.
    """
    deadline = time.monotonic() + _SETTLE
    while left := [pid for pid in children(os.getpid()) if pid != but]:
        if time.monotonic() > deadline:
            break
        _collect_zombies()
        select.select([], [], [], 0.01)
    told = []
    while left:
        pid = left.pop()
        left += children(pid)
        stat = _stat(pid)
        if stat:
            told.append((pid, _text(pid, "cmdline"), _test_of(pid), _on_our_clock(stat[2])))
    return told


def _on_our_clock(ticks: int) -> int:
    """A process's start, which the system counts from boot, in nanoseconds of the clock that events use."""
    since_boot = ticks * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return since_boot
    return since_boot - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.perf_counter_ns())


def _text(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as handle:
            return handle.read(65536).replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()
    except OSError:
        return ""


def _test_of(pid: int) -> str:
    """The test that ran when the process was started, as pytest notes it in the environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as handle:
            pairs = handle.read().split(b"\0")
    except OSError:
        return ""
    for pair in pairs:
        if pair.startswith(b"PYTEST_CURRENT_TEST="):
            return pair[20:].decode("utf-8", "backslashreplace").rpartition(" (")[0]
    return ""


def end_all(but: int = 0) -> None:
    """End every process below this one: ask, wait a little, then kill, until none is left but `but`."""
    deadline = time.monotonic() + _GRACE
    asked: set[int] = set()
    while True:
        _collect_zombies()
        left = _below(os.getpid(), but)
        if not left:
            return
        late = time.monotonic() > deadline
        if late and time.monotonic() > deadline + 5:
            return
        for pid in left:
            if late:
                kill(pid, _KILL)
            elif pid not in asked:
                asked.add(pid)
                kill(pid, _TERM)
        select.select([], [], [], 0.01)


def _below(pid: int, but: int) -> list[int]:
    found, open_ = [], [pid]
    while open_:
        below = [child for child in children(open_.pop()) if child != but]
        found += below
        open_ += below
    return found


def kill(pid: int, number: int) -> None:
    """Signal a process, or with a negative number a group, that may be gone."""
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _collect_zombies() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
