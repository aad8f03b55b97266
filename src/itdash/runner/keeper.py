"""A small process between itdash and pytest that owns everything the tests start.

It is forked before itdash imports anything heavy. All processes below it stay its own, also those that
detach themselves, so that it can name and end what a test leaves behind, and end everything at once when
itdash is gone. A test that kills its parent kills the keeper, not itdash.
"""

from __future__ import annotations

import marshal
import os
import select

from itdash.runner.host import Host
from itdash.runner.leftovers import adopt_orphans, end_all, kill, left_behind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from itdash.runner.warm import Cold, Warm

_KILL = 9
_FAILURES = 3
"""After so many warm processes that failed, a session makes no more."""


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


class _Keeper:
    def __init__(self, commands: int, reports: int, boot: str) -> None:
        self._inbox, self._reports, self._boot = Inbox(commands), reports, boot
        self._host: Host | None = Host(boot)
        self._lifeline = self._host.number
        self._running = False
        self._warm: Warm | None = None
        self._asked = False
        self._wanted: tuple[str, str] | None = None
        self._cold = ""  # why the next run starts cold; nothing for the first
        self._failures = 0
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
            self._look_after_warm()
        self._end_warm()
        end_all()

    def _wait(self) -> None:
        host, warm = self._host, self._warm
        watched = [self._inbox.fd]
        if host:
            watched += [fd for fd in (host.stdout, host.pidfd) if fd >= 0]
        if warm:
            watched.append(warm.fd)
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
            self._prepare(*arguments)
        elif command == "distrust":
            self._drop_warm(*arguments)

    def _run(self, assignment: str, log: str) -> None:
        self._check(assignment)
        host = self._host = self._host or Host(self._boot)
        host.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(host.stdin, os.fsencode(assignment))
        except OSError:
            pass  # it died while it waited; its end is told like any other
        os.close(host.stdin)
        host.stdin = -1
        self._running, self._asked = True, False
        send(self._reports, "started", host.pid, host.warm, "" if host.warm else self._cold)
        self._cold = self._cold or "the one before had just ended"

    def _signal(self, number: int, target: int) -> None:
        """Signal a process, or the whole group of pytest when `target` is 0."""
        host = self._host
        if target:
            kill(target, number)
        elif host:
            kill(-host.pid, number)

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
                    self._host, self._cold = None, "the process that waited for it had ended"

    def _finish(self, host: Host, status: int) -> None:
        while host.drain():
            pass
        send(self._reports, "exited", host.pid, os.waitstatus_to_exitcode(status))
        host.close()
        self._host, self._running = None, False
        but = self._warm.pid if self._warm else 0
        for left in left_behind(but):
            send(self._reports, "orphan", *left)
        end_all(but)
        send(self._reports, "settled")
        self._supply()

    # -- the warm process --

    def _prepare(self, folder: str, root: str, why_not: str) -> None:
        """Another run may follow: have a process wait for it, one that is warm where that may be."""
        self._asked, self._wanted = True, None if why_not else (folder, root)
        if why_not:
            self._cold = why_not
            self._end_warm()
        self._supply()

    def _supply(self) -> None:
        """Between two runs, see to it that a process waits, if one was asked for."""
        if self._running or not self._asked:
            return
        if self._wanted and self._warm is None and self._failures < _FAILURES:
            self._make_warm(*self._wanted)
        if self._warm and self._warm.ready and not (self._host and self._host.warm):
            self._fork()
        self._host = self._host or Host(self._boot)

    def _make_warm(self, folder: str, root: str) -> None:
        from itdash.runner.warm import Cold, Warm

        try:
            self._warm = Warm(self._boot, folder, root)
        except OSError as error:
            self._cool(Cold(f"no warm process could be started: {error.strerror}", fault=True))
            self._cold = "no warm process could be started"
        else:
            self._cold = "the warm process was still importing"

    def _fork(self) -> None:
        from itdash.runner.warm import Cold

        try:
            host = Host(self._boot, self._warm, self._lifeline)
        except Cold as cold:
            self._cool(cold)
            return
        if self._host:
            self._discard(self._host)
        self._host, self._cold = host, ""
        send(self._reports, "warm", host.pid)

    def _look_after_warm(self) -> None:
        """Hear whether it has imported all, or is gone."""
        if self._warm is None:
            return
        from itdash.runner.warm import Cold

        try:
            if self._warm.listen():
                self._supply()
        except Cold as cold:
            self._cool(cold)

    def _check(self, assignment: str) -> None:
        """A waiting process that was forked must be what a new one would be; if not, a new one is started."""
        if self._warm is None or self._host is None or not self._host.warm:
            return
        from itdash.runner.warm import Cold

        try:
            self._warm.check(assignment)
        except Cold as cold:
            self._cool(cold)

    def _cool(self, cold: Cold) -> None:
        if cold.fault:
            self._failures += 1
            if not self._running:
                send(self._reports, "note", f"started cold: {cold.why}")
        self._drop_warm(cold.why)

    def _drop_warm(self, why: str) -> None:
        """Have nothing more to do with what was imported; `prepare` makes another."""
        if self._warm:
            self._cold = why
            self._end_warm()

    def _end_warm(self) -> None:
        if self._host and self._host.warm and not self._running:
            self._discard(self._host)
            self._host = None
        if self._warm:
            self._warm.end()
            self._warm = None

    def _discard(self, host: Host) -> None:
        """End a process that waits."""
        kill(-host.pid, _KILL)
        host.close()
