"""One pytest process as the keeper holds it: started by itself, or forked from the warm process."""

from __future__ import annotations

import os
import sys

_KILL, _TERM, _INT = 9, 15, 2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from itdash.runner.warm import Warm


class Host:
    """One pytest process: imported and waiting, then running, then gone."""

    def __init__(self, boot: str, warm: Warm | None = None, like: int = 0) -> None:
        """Start it; raises `Cold` when it cannot be forked from `warm`.

        `like` is the number of the lifeline's descriptor there, as one that was started by itself had it.
        """
        ours: list[int] = []
        theirs: list[int] = []
        for end in (1, 0, 1):  # the order goes in, output comes out, the lifeline goes in
            pair = os.pipe()
            ours.append(pair[end])
            theirs.append(pair[1 - end])
        self.stdin, self.stdout, self.lifeline = ours
        self.pidfd = self.log = -1
        try:
            self.number = theirs[2]
            self.pid = warm.fork(theirs, like) if warm else _spawn(boot, theirs)
            kill_group_with_us(theirs[2], self.pid)
        except BaseException:
            self.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        self.warm = warm is not None
        os.set_blocking(self.stdout, False)
        self.pidfd = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else -1
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
        """Give all descriptors back; one that still waits ends by that."""
        for fd in (self.stdin, self.stdout, self.lifeline, self.pidfd, self.log):
            if fd >= 0:
                os.close(fd)


def _spawn(boot: str, theirs: list[int]) -> int:
    """A Python of its own, which imports pytest."""
    stdin, stdout, lifeline = theirs
    return spawn(boot, lifeline, stdin, stdout)


def spawn(boot: str, channel: int, stdin: int, stdout: int) -> int:
    """Start the main module with these descriptors, in a session of its own; its pid."""
    os.set_inheritable(channel, True)
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stdout, 2),
    ]
    return os.posix_spawn(
        sys.executable, [sys.executable, boot, str(channel)], os.environ,
        file_actions=actions, setsid=True, setsigdef=[_INT, _TERM],
    )  # fmt: skip


def kill_group_with_us(lifeline: int, group: int) -> None:
    """Have the kernel kill the group when the other end of the pipe closes, that is when we die."""
    import fcntl

    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -group)
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, _KILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
