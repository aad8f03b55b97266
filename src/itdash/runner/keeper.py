"""A small process between itdash and pytest that owns everything the tests start.

It is forked before itdash imports anything heavy. All processes below it stay its own, also those that
detach themselves, so that it can name and end what a test leaves behind, and end everything at once when
itdash is gone. A test that kills its parent kills the keeper, not itdash.
"""

from __future__ import annotations

import marshal
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_KILL, _TERM, _INT = 9, 15, 2
_SETTLE = 0.25
_GRACE = 1.0


def send(fd: int, *message: int | str) -> None:
    """Write one message, its length first."""
    data = marshal.dumps(message)
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[os.write(fd, data) :]


class Inbox:
    """Cuts what arrives on a descriptor into messages."""

    def __init__(self, fd: int) -> None:
        self.fd, self.open = fd, True
        self._data = b""

    def receive(self) -> list[tuple[Any, ...]]:
        """The messages that are whole now; `open` turns false when the other side is gone."""
        try:
            piece = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            piece = b""
        self.open = bool(piece)
        self._data += piece
        messages = []
        while len(self._data) >= 4:
            size = int.from_bytes(self._data[:4], "little")
            if len(self._data) < 4 + size:
                break
            messages.append(marshal.loads(self._data[4 : 4 + size]))
            self._data = self._data[4 + size :]
        return messages


def run(commands: int, reports: int, boot: str) -> NoReturn:
    """Be the keeper until itdash is gone; `boot` is the script that waits for an assignment."""
    os.setsid()
    try:
        with open("/proc/self/comm", "w") as comm:
            comm.write("suite-keeper")
    except OSError:
        pass
    keeper = _Keeper(commands, reports, boot)
    try:
        keeper.serve()
    finally:
        os._exit(0)


class _Host:
    """One pytest process: imported and waiting, then running, then gone."""

    def __init__(self, boot: str) -> None:
        stdin, self.stdin = os.pipe()
        self.stdout, stdout = os.pipe()
        lifeline, self.lifeline = os.pipe()
        os.set_inheritable(lifeline, True)
        actions = [
            (os.POSIX_SPAWN_DUP2, stdin, 0),
            (os.POSIX_SPAWN_DUP2, stdout, 1),
            (os.POSIX_SPAWN_DUP2, stdout, 2),
        ]
        self.pid = os.posix_spawn(
            sys.executable, [sys.executable, boot, str(lifeline)], os.environ,
            file_actions=actions, setsid=True, setsigdef=[_INT, _TERM],
        )  # fmt: skip
        _kill_group_with_us(lifeline, self.pid)
        for fd in (stdin, stdout, lifeline):
            os.close(fd)
        os.set_blocking(self.stdout, False)
        self.pidfd = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else -1
        self.log = -1
        self.status: int | None = None

    def drain(self) -> bool:
        """Move what pytest printed to the log; whether there was any."""
        try:
            data = os.read(self.stdout, 1 << 18)
        except OSError:
            return False
        if data and self.log >= 0:
            try:
                os.write(self.log, data)
            except OSError:
                pass
        return bool(data)

    def close(self) -> None:
        """Give all descriptors back."""
        for fd in (self.stdin, self.stdout, self.lifeline, self.pidfd, self.log):
            if fd >= 0:
                os.close(fd)


def _kill_group_with_us(lifeline: int, group: int) -> None:
    """Have the kernel kill the group when the other end of the pipe closes, that is when we die."""
    import fcntl

    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -group)
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, _KILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


class _Keeper:
    def __init__(self, commands: int, reports: int, boot: str) -> None:
        self._inbox, self._reports, self._boot = Inbox(commands), reports, boot
        self._host: _Host | None = _Host(boot)
        self._running = False
        adopt_orphans()

    def serve(self) -> None:
        """Answer commands, carry output, tell of ends, until the commands stop."""
        while self._inbox.open:
            self._wait()
            host = self._host
            if host and host.drain():
                while host.drain():
                    if select.select([self._inbox.fd], [], [], 0)[0]:
                        break
            for message in self._ready_commands():
                self._obey(*message)
            self._reap()
        end_all()

    def _wait(self) -> None:
        host = self._host
        watched = [self._inbox.fd]
        if host:
            watched += [fd for fd in (host.stdout, host.pidfd) if fd >= 0]
        timeout = 0.5 if not host or host.pidfd >= 0 else 0.02
        select.select(watched, [], [], timeout)

    def _ready_commands(self) -> list[tuple[Any, ...]]:
        if select.select([self._inbox.fd], [], [], 0)[0]:
            return self._inbox.receive()
        return []

    def _obey(self, command: str, *arguments: Any) -> None:
        if command == "run":
            self._run(*arguments)
        elif command == "signal":
            self._signal(*arguments)
        elif command == "prepare":
            self._host = self._host or _Host(self._boot)

    def _run(self, assignment: str, log: str) -> None:
        host = self._host = self._host or _Host(self._boot)
        host.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(host.stdin, os.fsencode(assignment))
        except OSError:
            pass  # it died while it waited; its end is told like any other
        os.close(host.stdin)
        host.stdin = -1
        self._running = True
        send(self._reports, "started", host.pid)

    def _signal(self, number: int, target: int) -> None:
        """Signal a process, or the whole group of pytest when `target` is 0."""
        host = self._host
        if target:
            _kill(target, number)
        elif host:
            try:
                os.killpg(host.pid, number)
            except OSError:
                pass

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            host = self._host
            if host and pid == host.pid:
                host.status = status
                if self._running:
                    self._finish(host, status)
                else:
                    host.close()
                    self._host = None

    def _finish(self, host: _Host, status: int) -> None:
        while host.drain():
            pass
        send(self._reports, "exited", host.pid, os.waitstatus_to_exitcode(status))
        host.close()
        self._host, self._running = None, False
        for left in _left_behind():
            send(self._reports, "orphan", *left)
        end_all()
        send(self._reports, "settled")


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


def _left_behind() -> list[tuple[int, str, str, int]]:
    """Processes that are still there when they had time to go: pid, command, test, start in nanoseconds."""
    deadline = time.monotonic() + _SETTLE
    while left := children(os.getpid()):
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


def end_all() -> None:
    """End every process below this one: ask, wait a little, then kill, until none is left."""
    deadline = time.monotonic() + _GRACE
    asked: set[int] = set()
    while True:
        _collect_zombies()
        left = _below(os.getpid())
        if not left:
            return
        late = time.monotonic() > deadline
        if late and time.monotonic() > deadline + 5:
            return
        for pid in left:
            if late:
                _kill(pid, _KILL)
            elif pid not in asked:
                asked.add(pid)
                _kill(pid, _TERM)
        select.select([], [], [], 0.01)


def _below(pid: int) -> list[int]:
    found, open_ = [], [pid]
    while open_:
        below = children(open_.pop())
        found += below
        open_ += below
    return found


def _kill(pid: int, number: int) -> None:
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
