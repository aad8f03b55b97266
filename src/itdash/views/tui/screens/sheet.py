"""One panel of lines over the dashboard, to scroll and to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from itdash.views.tui import keymap
from itdash.views.tui.screens.scrolls import MOVES, Scrolls
from itdash.views.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from itdash.render.spans import Spans
    from itdash.views.tui.app import ItdashApp


class Sheet(Scrolls, ModalScreen[None]):
    """Scrolls by the keys that move in the dashboard, wherever the user has them."""

    app: ItdashApp
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss(None)", "back"),
        Binding("ctrl+c", "app.leave", "leave"),
        Binding("space", "page(1)", "a page down"),
        *keymap.bindings(MOVES),
    ]
    DEFAULT_CSS = """
    Sheet { align: center middle; background: $background 60%;
        Panel { width: 95%; height: 95%; background: $background; } }
    """

    def __init__(self, title: str, name: str) -> None:
        super().__init__()
        self.panel = Panel(f"{title} (Escape to leave)", self.lines, self.hint, id=name)

    def lines(self, width: int, height: int) -> list[Spans]:
        """What stands on it."""
        raise NotImplementedError

    def hint(self) -> str:
        """What stands there instead while there is nothing."""
        return ""

    @property
    def current(self) -> Panel:
        """The panel, whatever has the focus."""
        return self.panel

    def compose(self) -> ComposeResult:
        """The panel."""
        yield self.panel

    def on_mount(self) -> None:
        """Draw it."""
        self.call_after_refresh(self.panel.renew)
