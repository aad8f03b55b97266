"""The keeper's end of the line to the warm process, which has imported much and forks for each run."""

from __future__ import annotations

import marshal
import os
import select
import socket
import time

from itdash.runner.host import kill_group_with_us, spawn
from itdash.runner.leftovers import kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_KILL = 9
_ANSWERS = 5.0
_PRELOADS = 60.0
_ATTEMPTS = 8


class Cold(Exception):
    """The next run starts cold, and why; `fault` where something went wrong that a user should know."""

    def __init__(self, why: str, fault: bool = False) -> None:
        super().__init__(why)
        self.why, self.fault = why, fault


class Warm:
    """A process in a session of its own that is importing, then ready to fork, then gone."""

    def __init__(self, boot: str, folder: str, root: str) -> None:
        self._boot, self._folder, self._root = boot, folder, root
        self._attempts = 0
        self.ready = False
        self._begin()

    def _begin(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lifeline, lifeline = os.pipe()[::-1]
        stdin, closed = os.pipe()
        kept, stdout = os.pipe()
        try:
            self.pid = spawn(self._boot, theirs.fileno(), stdin, stdout)
            kill_group_with_us(lifeline, self.pid)
            # These go along with the first message, so that what is printed and the lifeline have a reader.
            told = marshal.dumps((self._folder, self._root))
            socket.send_fds(self._socket, [told], [kept, lifeline])
        finally:
            theirs.close()
            for fd in (stdin, closed, kept, stdout, lifeline):
                os.close(fd)
        self._until = time.monotonic() + _PRELOADS

    @property
    def fd(self) -> int:
        """Readable when there is something to hear."""
        return self._socket.fileno()

    def listen(self) -> bool:
        """Take in that it is ready, if it says so; raises `Cold` when it is gone, or takes too long."""
        if not select.select([self._socket], [], [], 0)[0]:
            if not self.ready and time.monotonic() > self._until:
                raise Cold(f"the warm process was not ready after {_PRELOADS:g} s", fault=True)
            return False
        if self._receive() == "again":  # it found more that must not be imported, and knows it next time
            self.end()
            self._attempts += 1
            if self._attempts == _ATTEMPTS:
                raise Cold("the warm process did not find out what it may import", fault=True)
            self._begin()
            return False
        self.ready = True
        return True

    def fork(self, fds: list[int], lifeline: int) -> int:
        """Have it fork a process that waits for an order, with these descriptors; the pid.

        `lifeline` is the number under which the last of them is held.
        """
        answer = self._answer("fork", ("fork", lifeline), fds)
        if not isinstance(answer, int) or answer <= 0:
            raise Cold("the warm process could not fork", fault=True)
        return answer

    def check(self, order: str) -> None:
        """Raise `Cold` if what was imported is not what this order would import."""
        why = self._answer("check", ("check", order))
        if why:
            raise Cold(str(why))

    def _answer(self, task: str, message: tuple[Any, ...], fds: Sequence[int] = ()) -> object:
        try:
            socket.send_fds(self._socket, [marshal.dumps(message)], fds)
        except OSError:
            raise Cold("the warm process ended", fault=True) from None
        if not select.select([self._socket], [], [], _ANSWERS)[0]:
            raise Cold(f"the warm process gave no answer within {_ANSWERS:g} s ({task})", fault=True)
        return self._receive()

    def _receive(self) -> object:
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Cold("the warm process ended", fault=True)
        return marshal.loads(data)

    def end(self) -> None:
        """Kill it and all of its group, and give the descriptors back."""
        kill(-self.pid, _KILL)
        kill(self.pid, _KILL)
        self._socket.close()
        os.close(self._lifeline)
