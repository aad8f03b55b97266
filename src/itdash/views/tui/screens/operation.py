"""One operation with all that was measured of it, over the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.markup import escape

from itdash.render import operation as draw
from itdash.render.text import one_line
from itdash.views.tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from itdash.render.spans import Spans
    from itdash.views.tui.board import Board

_EVERY = 0.2


class OperationScreen(Sheet):
    """Drawn anew while the run goes on."""

    DEFAULT_CSS = """
    OperationScreen Panel { max-width: 160; }
    """

    def __init__(self, name: str, board: Board) -> None:
        super().__init__(escape(one_line(name)), "operation")
        self._operation, self._board = name, board
        self._drawn = -1

    def on_mount(self) -> None:
        """Follow the run."""
        self.set_interval(_EVERY, self._renew)

    def _renew(self) -> None:
        """Draw what is new; when the run is over nothing is."""
        board = self._board
        if self.app.paused or (board.state.finished is not None and self._drawn == board.changes):
            return
        self._drawn = board.changes
        self.panel.renew()

    def lines(self, width: int, height: int) -> list[Spans]:
        """What is known of it by now."""
        state = self._board.state
        operation = state.operations.operations.get(self._operation)
        if operation is None:
            return []
        return draw.lines(operation, state, self._board.now, width, height, self.app.paint)

    def hint(self) -> str:
        """A run may begin while this is open."""
        return f"{one_line(self._operation)} was not measured in this run"
