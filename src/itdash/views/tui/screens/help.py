"""Every key and what it does, made from the keys themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding

from itdash.render.spans import pad
from itdash.views.tui import keymap
from itdash.views.tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from itdash.render.spans import Spans

_KEYS: Final = 22


class Help(Sheet):
    """A list to scroll."""

    BINDINGS: ClassVar = [Binding("question_mark", "dismiss(None)", "back", id="app.help")]
    DEFAULT_CSS = """
    Help Panel { max-width: 84; }
    """

    def __init__(self) -> None:
        super().__init__("Keys", "keys")

    def lines(self, width: int, height: int) -> list[Spans]:  # noqa: ARG002
        """The keys by their groups, and how to change them."""
        lines: list[Spans] = []
        for group in dict.fromkeys(key.group for key in keymap.EVERY):
            lines += [[("plain", "")], [("title", f" {group}")]]
            for key in keymap.EVERY:
                if key.group == group:
                    shown = " ".join(map(keymap.label, self.app.keys_of(key).split(",")))
                    lines.append([("key", pad(f"   {shown}", _KEYS)), ("plain", key.words)])
        return [
            *lines,
            [("plain", "")],
            [("dim", " Keys are changed by their ids in [tool.itdash.keys], for example")],
            [("dim", f'   "{keymap.KEYS[0].id}" = "f5"')],
        ]
