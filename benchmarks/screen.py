"""The dashboard while a journal grows: `python screen.py FOLDER RESULT SECONDS`, driven by dashboard.py.

It reads the journal as it would a real run's, and notes how late its event loop was, and when it painted
the line that a key moved the cursor to.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itdash.config import load
from itdash.events.journal import Tail
from itdash.render.paint import Paint
from itdash.runner.command import Request
from itdash.session import Session, Terms
from itdash.state import fold
from itdash.state.run import RunState
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.board import Board

if TYPE_CHECKING:
    from textual.message import Message

_BEAT = 0.005


class Grown:
    """Stands where a run of pytest would: its events come from a folder that somebody else writes."""

    def __init__(self, folder: Path) -> None:
        self.state, self.tail = RunState(), Tail(folder)


class Watching(Session):
    """A session that only reads."""

    def __init__(self, folder: Path, board: Board) -> None:
        super().__init__(Terms(folder, folder, ()), None, [board])  # type: ignore[arg-type]
        self.board = board
        self.grown = Grown(folder)
        self.execution = self.grown  # type: ignore[assignment]
        self.origin = time.perf_counter_ns()

    def step(self, budget: int | None = None) -> bool:
        """Fold and show, as an execution does."""
        grown = self.grown
        until = time.perf_counter_ns() + (budget or 0)
        while events := grown.tail.read(1 << 16):
            fold.apply_all(grown.state, events)
            self.board.show(grown.state, events, grown.state.t)
            if time.perf_counter_ns() > until:
                break
        return False


class Measured(ItdashApp):
    """The dashboard, and what it notes."""

    lags: list[float]
    painted: list[float]

    def on_mount(self) -> None:
        """Begin to note; textual calls the handlers of the other classes by itself."""
        self.lags, self.painted = [], []
        self._moved = False
        self.run_worker(self._beat())

    async def _beat(self) -> None:
        seconds = float(sys.argv[3])
        folder = Path(sys.argv[1])
        while not (folder / "collected").exists() or not self.board.state.collected:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        (folder / "go").touch()
        await asyncio.sleep(0.5)
        driver: Any = self._driver
        write = driver.write

        def noted(data: str) -> None:
            write(data)
            if self._moved:
                self._moved = False
                self.painted.append(time.perf_counter())

        driver.write = noted
        end = time.perf_counter() + seconds
        cpu = time.process_time()
        while time.perf_counter() < end:
            due = time.perf_counter() + _BEAT
            await asyncio.sleep(_BEAT)
            self.lags.append(max(0.0, time.perf_counter() - due))
        result = {
            "lags": self.lags, "painted": self.painted, "cpu": (time.process_time() - cpu) / seconds,
            "events": self.board.changes, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }  # fmt: skip
        Path(sys.argv[2]).write_text(json.dumps(result))
        self.exit(0)

    async def on_event(self, event: Message) -> None:
        """A key moves the cursor: the next write paints it."""
        from textual.events import Key

        await super().on_event(event)  # type: ignore[arg-type]
        if isinstance(event, Key):
            self._moved = True


def main() -> None:
    """Show the folder until the time is over."""
    gc.disable()  # as the command does
    folder = Path(sys.argv[1])
    os.chdir(folder)
    board = Board()
    loaded = load(folder, {})
    Measured(Watching(folder, board), loaded, Request(), board, Paint(True, False)).run()


if __name__ == "__main__":
    main()
