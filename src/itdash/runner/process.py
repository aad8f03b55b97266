"""itdash's end of the line to the keeper: start it early, tell it what to run, hear what became of it."""

from __future__ import annotations

import os

from itdash.runner import keeper

BOOT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "plugin", "boot.py")


class Link:
    """A keeper with a pytest process that is importing pytest already."""

    def __init__(self, pid: int, commands: int, reports: int) -> None:
        self.keeper, self._commands = pid, commands
        self.inbox = keeper.Inbox(reports)

    def run(self, order: str, log: str) -> None:
        """Give the waiting pytest its order; what it prints goes to the file `log`."""
        self._send("run", order, log)

    def prepare(self, folder: str, root: str, why_not: str) -> None:
        """Have a process wait for the next order: a warm one, with its notes in `folder`, or why not."""
        self._send("prepare", folder, root, why_not)

    def distrust(self, why: str) -> None:
        """Something went wrong: what is warm may have its share in it, and is made anew."""
        self._send("distrust", why)

    def signal(self, number: int, target: int = 0) -> None:
        """Signal one process, or pytest's whole group when no target is named."""
        self._send("signal", int(number), target)

    def close(self) -> None:
        """Let the keeper go; it ends whatever is left."""
        for fd in (self._commands, self.inbox.fd):
            os.close(fd)
        try:
            os.waitpid(self.keeper, 0)
        except ChildProcessError:
            pass

    def _send(self, *message: int | str) -> None:
        try:
            keeper.send(self._commands, *message)
        except OSError:
            self.inbox.open = False


def start_keeper() -> Link:
    """Fork the keeper; to be called before anything heavy is imported and before any thread is started."""
    commands_out, commands_in = os.pipe()
    reports_out, reports_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(commands_in)
        os.close(reports_out)
        keeper.run(commands_out, reports_in, BOOT)
    os.close(commands_out)
    os.close(reports_in)
    os.set_blocking(reports_out, False)
    return Link(pid, commands_in, reports_out)
