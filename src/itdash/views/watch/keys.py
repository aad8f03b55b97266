"""Single keys from a terminal, which is left as it was found."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

KEYS = {
    "a": "all tests", "f": "those that failed", "r": "the last round again", "\n": "the last round again",
    "q": "quit", "?": "these keys",
}  # fmt: skip
SHOWN = {"\n": "Enter"}


class Keys:
    """Hears keys while it is open; hears nothing where there is no terminal, or where it is not ours."""

    def __init__(self) -> None:
        self.fd = -1
        self._before: Any = None
        self._continued: Any = None

    def __enter__(self) -> Keys:
        try:
            fd = sys.stdin.fileno()
            if sys.stdin.isatty() and sys.stdout.isatty() and os.tcgetpgrp(fd) == os.getpgrp():
                self._open(fd)
        except (OSError, ValueError, ImportError):
            self.fd = -1
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            return
        import termios

        signal.signal(signal.SIGCONT, self._continued)
        try:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)
        except (OSError, termios.error):
            pass  # the terminal is gone

    def read(self) -> list[str]:
        """The keys that were pressed since the last call."""
        if self.fd < 0 or not select.select([self.fd], [], [], 0)[0]:
            return []
        try:
            data = os.read(self.fd, 64)
        except OSError:
            data = b""
        if not data:
            self.fd = -1  # the terminal has hung up
        return [key for key in data.decode("utf-8", "replace").replace("\r", "\n") if key in KEYS]

    def _open(self, fd: int) -> None:
        import termios

        self._before = termios.tcgetattr(fd)
        self.fd = fd
        self._set()
        self._continued = signal.signal(signal.SIGCONT, self._set_again)

    def _set(self) -> None:
        import termios
        import tty

        if os.tcgetpgrp(self.fd) != os.getpgrp():
            return
        tty.setcbreak(self.fd, termios.TCSADRAIN)

    def _set_again(self, _number: int, _frame: FrameType | None) -> None:
        try:
            self._set()
        except OSError:
            self.fd = -1
