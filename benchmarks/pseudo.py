"""A program on a pty: what it draws is read, keys are pressed, and the moments are noted."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from typing import TYPE_CHECKING

from timing import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZE = (60, 220)


class Terminal:
    """One program that believes in a terminal of 220 columns and 60 lines."""

    def __init__(self, command: Sequence[str], cwd: str = ".") -> None:
        self.began = time.perf_counter()
        around = {**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], list(command), around)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.open = True
        self._tail = b""

    def read(self, seconds: float) -> bytes:
        """What is drawn within so many seconds, at most one piece."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        self.open = bool(data)
        return data

    def until(self, text: bytes, seconds: float = 120.0) -> float:
        """Read until this was drawn; seconds since the start."""
        end = time.perf_counter() + seconds
        seen = b""
        while self.open and time.perf_counter() < end:
            seen = seen[-4096:] + self.read(0.1)
            if text in seen:
                return time.perf_counter() - self.began
        raise SystemExit(f"{text!r} was not drawn; the last: {seen[-400:]!r}")

    def idle(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        self.while_open(lambda: time.perf_counter() < end)

    def while_open(self, wanted: Callable[[], bool]) -> None:
        """Read as long as it is wanted and there is something to read from."""
        while self.open and wanted():
            self.read(0.02)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._fd, keys)

    def cpu(self) -> float:
        """Seconds of CPU that the program itself took."""
        with open(f"/proc/{self.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self) -> float:
        """Read to the end; seconds since the start."""
        self.while_open(lambda: True)
        os.waitpid(self.pid, 0)
        os.close(self._fd)
        return time.perf_counter() - self.began
