"""One operation with all that was measured of it, over the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.markup import escape
from textual.screen import ModalScreen

from itdash.render import operation as draw
from itdash.render.text import one_line
from itdash.views.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from itdash.render.spans import Spans
    from itdash.state.run import RunState
    from itdash.views.tui.app import ItdashApp

_EVERY = 0.2


class OperationScreen(ModalScreen[None]):
    """A list to scroll, drawn anew while the run goes on."""

    app: ItdashApp
    BINDINGS: ClassVar = [
        Binding("escape,q,enter", "dismiss(None)", "back"),
        Binding("ctrl+c", "app.leave", "leave"),
        Binding("j,down", "move(1)", "down"), Binding("k,up", "move(-1)", "up"),
        Binding("pagedown,space,ctrl+d", "page(1)", "a page down"),
        Binding("pageup,ctrl+u", "page(-1)", "a page up"),
        Binding("g,home", "edge(False)", "to the first line"),
        Binding("G,end", "edge(True)", "to the last line"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    OperationScreen { align: center middle; background: $background 60%;
        Panel { width: 95%; max-width: 160; height: 95%; background: $background; } }
    """

    def __init__(self, name: str, run: Callable[[], tuple[RunState, int]]) -> None:
        super().__init__()
        self._operation, self._run = name, run

    def compose(self) -> ComposeResult:
        """One panel."""
        title = escape(f"{one_line(self._operation)} (Escape to leave)")
        yield Panel(title, self._lines, self._none, id="operation")

    def on_mount(self) -> None:
        """Draw it, and follow the run."""
        panel = self.query_one(Panel)
        self.call_after_refresh(panel.renew)
        self.set_interval(_EVERY, panel.renew)

    def action_move(self, by: int) -> None:
        """Scroll."""
        self.query_one(Panel).action_move(by)

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        self.query_one(Panel).action_page(by)

    def action_edge(self, end: bool) -> None:
        """To the first line or the last."""
        self.query_one(Panel).action_edge(end)

    def _lines(self, width: int, height: int) -> list[Spans]:
        state, now = self._run()
        operation = state.operations.operations.get(self._operation)
        return [] if operation is None else draw.lines(operation, state, now, width, height, self.app.paint)

    def _none(self) -> str:
        return f"{one_line(self._operation)} was not measured in this run"
