"""Every key and what it does, made from the keys themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from itdash.render.spans import pad
from itdash.views.tui import keymap
from itdash.views.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from itdash.render.spans import Spans
    from itdash.views.tui.app import ItdashApp

_KEYS = 22


class Help(ModalScreen[None]):
    """A list to scroll."""

    app: ItdashApp
    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark,enter", "dismiss(None)", "back"),
        Binding("ctrl+c", "app.leave", "leave"),
        Binding("j,down", "move(1)", "down"), Binding("k,up", "move(-1)", "up"),
        Binding("pagedown,space", "move(10)", "down"), Binding("pageup", "move(-10)", "up"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%;
        Panel { width: 84; max-width: 95%; height: 90%; background: $background; } }
    """

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("Keys (Escape to leave)", self._lines, str, id="keys")

    def on_mount(self) -> None:
        """Draw it."""
        self.call_after_refresh(self.query_one(Panel).renew)

    def action_move(self, by: int) -> None:
        """Scroll."""
        self.query_one(Panel).action_move(by)

    def _lines(self, _width: int, _height: int) -> list[Spans]:
        lines: list[Spans] = []
        for group in dict.fromkeys(key.group for key in keymap.EVERY):
            lines += [[("plain", "")], [("title", f" {group}")]]
            for key in keymap.EVERY:
                if key.group == group:
                    shown = " ".join(map(keymap.label, self.app.keys_of(key).split(",")))
                    lines.append([("key", pad(f"   {shown}", _KEYS)), ("plain", key.words)])
        lines += [
            [("plain", "")],
            [("dim", " Keys are changed by their ids in [tool.itdash.keys], for example")],
        ]
        lines.append([("dim", f'   "{keymap.KEYS[0].id}" = "f5"')])
        return lines
