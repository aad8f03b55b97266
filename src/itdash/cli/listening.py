"""What the history has to tell, on the error output."""

from __future__ import annotations

import sys
import time
from typing import Final

from itdash.cli.common import say
from itdash.history.database import Listener

_PATIENCE: Final = 0.5


class Told(Listener):
    """Prints warnings, and how far it is where it takes long."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def warn(self, text: str) -> None:
        """Print it."""
        say(f"itdash: {text}", err=True)

    def progress(self, done: int, total: int) -> None:
        """Print how many runs are read, now and then; on a terminal always on the same line."""
        now = time.monotonic()
        if done < total and now - self._last < _PATIENCE:
            return
        if now - self._began < _PATIENCE:
            return
        self._last = now
        text = f"itdash: {done:,} of {total:,} runs taken into the history"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text}" + ("\n" if done == total else ""))
            sys.stderr.flush()
        else:
            say(text, err=True)
