"""A terminal that may go away: what is drawn then is dropped, where textual would wait for ever."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class _Lasting:
    """A stream whose reader may go; `gone` tells that it did."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def write(self, text: str) -> None:
        """Write, unless nobody is there."""
        if not self.gone:
            try:
                self._stream.write(text)
            except (OSError, ValueError):
                self.gone = True

    def flush(self) -> None:
        """Flush, unless nobody is there."""
        if not self.gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self.gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class LastingDriver(LinuxDriver):
    """Draws as long as there is a terminal."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._lasting = _Lasting(self._file or sys.stdout)
        self._file = self._lasting  # type: ignore[assignment]

    @property
    def gone(self) -> bool:
        """Whether the terminal is gone."""
        return self._lasting.gone
