"""What the dashboard shows, kept up from events: the state of the run and the outline of all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.events.journal import replay
from itdash.state.fold import apply_all
from itdash.state.lanes import Lanes
from itdash.state.outline import Outline
from itdash.state.requirements import of_run
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events import model
    from itdash.runner.execution import Reading
    from itdash.state.requirements import SuiteMatrix


class Board:
    """A view that draws nothing: the screen asks it."""

    def __init__(self) -> None:
        self.state = RunState()
        self.outline = Outline()
        self.lanes = Lanes()
        self.folder: Path | None = None
        self.now = 0
        self.changes = 0
        self._matrix: list[SuiteMatrix] = []
        self._matrix_of = -1

    def begin(self, state: RunState, folder: Path) -> None:
        """A run starts."""
        self.follow(state)
        self.folder = folder

    def follow(self, state: RunState) -> None:
        """Look at another run."""
        if state is not self.state:
            self.state = state
            self.outline.begin()
            self.lanes.begin()
            self.changes += 1

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:
        """Take events in."""
        self.follow(state)
        self.now = now
        if events:
            self.outline.take(state, events)
            self.lanes.take(events)
            self.changes += len(events)

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:  # noqa: ARG002
        """The run is over."""
        self.now = state.t
        self.changes += 1

    def matrix(self) -> list[SuiteMatrix]:
        """The requirements, computed anew only when something happened."""
        if self._matrix_of != self.changes:
            self._matrix_of = self.changes
            self._matrix = of_run(self.state)
        return self._matrix


def past(folder: Path) -> Board:
    """A board over a run that was recorded."""
    events, unread = replay(folder)
    board = Board()
    state = RunState()
    apply_all(state, events)
    board.begin(state, folder)
    board.show(state, events, state.t)
    if unread:
        state.notes.append(f"{unread:,} lines of this recording could not be read")
    return board
