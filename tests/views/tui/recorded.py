"""The dashboard over a recorded run, and what stands on its screen as text."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from itdash.config import Config, Loaded
from itdash.events.journal import replay
from itdash.render.paint import Paint
from itdash.runner.command import Request
from itdash.session import Session, Terms
from itdash.state import fold
from itdash.state.run import RunState
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.board import Board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from textual.pilot import Pilot

    from itdash.events.model import AnyEvent

JOURNALS = Path(__file__).parents[2] / "journals"


class Recorded(Session):
    """A session that plays what was recorded, and remembers what it was asked to start."""

    def __init__(self, board: Board, folder: Path) -> None:
        super().__init__(Terms(folder, folder, ()), None, [board])  # type: ignore[arg-type]
        self.board, self.playing = board, RunState()
        self.asked: list[Request] = []
        self.stops = 0
        self.runs = False

    def play(self, events: Sequence[AnyEvent], now: int | None = None) -> None:
        """Take events in, and let the clock stand at the last, or where it is said to."""
        fold.apply_all(self.playing, events)
        self.board.show(self.playing, events, self.playing.t if now is None else now)

    def start(self, request: Request, config: Config) -> None:  # type: ignore[override]  # noqa: ARG002
        """Only remember."""
        self.asked.append(request)

    def step(self, budget: int | None = None) -> bool:  # noqa: ARG002
        """Nothing happens by itself."""
        return False

    def stop(self, number: int = 2) -> None:  # noqa: ARG002
        """Only count."""
        self.stops += 1


def recorded(name: str) -> list[AnyEvent]:
    """The events of a recorded run."""
    return replay(JOURNALS / name)[0]


@asynccontextmanager
async def dashboard(
    events: Sequence[AnyEvent],
    folder: Path,
    size: tuple[int, int] = (140, 44),
    *,
    now: int | None = None,
    ascii_only: bool = False,
    config: Config | None = None,
    origins: dict[str, str] | None = None,
) -> AsyncIterator[tuple[Pilot[int], Recorded]]:
    """The real app over these events."""
    # What the developer chose for his own dashboard must not show here.
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    os.environ.pop("NO_COLOR", None)
    board = Board()
    session = Recorded(board, folder)
    loaded = Loaded(config or Config(), folder, origins or {})
    app = ItdashApp(session, loaded, Request(), board, Paint(True, ascii_only))
    async with app.run_test(size=size) as pilot:
        session.play(events, now)
        await settled(pilot)
        yield pilot, session


async def settled(pilot: Pilot[int]) -> None:
    """Everything that was asked for is drawn."""
    app = pilot.app
    assert isinstance(app, ItdashApp)
    for _ in range(2):
        await pilot.pause()
        app.dashboard.renew()
    await pilot.pause()


async def text(pilot: Pilot[int]) -> str:
    """What stands on the screen, without colours, once it is what it was a moment ago."""
    shown, before = "", "-"
    while shown != before:
        await settled(pilot)
        shown, before = _drawn(pilot), shown
    return shown


def _drawn(pilot: Pilot[int]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
