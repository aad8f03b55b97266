"""Themes to choose from; the dashboard wears the one that the cursor is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from itdash.errors import ConfigError
from itdash.views.tui import themes
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.geometry import Size

    from itdash.render.spans import Spans
    from itdash.views.tui.app import ItdashApp
    from itdash.views.tui.theme_file import Look


class ThemeList(Lines):
    """The names; the cursor tells where it goes."""

    class Moved(Message):
        """The cursor is on another theme."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def can_replace(self, message: Message) -> bool:
            """Only the last one matters."""
            return isinstance(message, ThemeList.Moved)

    chooses = True
    BINDINGS: ClassVar = [
        Binding("j,down", "move(1)", "down"), Binding("k,up", "move(-1)", "up"),
        Binding("g,home", "edge(False)", "first"), Binding("G,end", "edge(True)", "last"),
    ]  # fmt: skip

    def __init__(self, names: Sequence[str], former: str) -> None:
        super().__init__(id="themes")
        self.names, self._former = names, former
        if former in names:
            self.set_reactive(Lines.cursor, names.index(former))

    def count(self) -> int:
        """How many themes there are."""
        return len(self.names)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As high as its lines."""
        return self.count()

    def line(self, place: int, width: int) -> Spans:  # noqa: ARG002
        """A name, with a mark at the one that is on."""
        name = self.names[place]
        mark = self.paint.glyph("mark") if name == self._former else " "
        return [("key", f" {mark} "), ("plain", name)]

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell where it went."""
        super().watch_cursor(old, new)
        self.post_message(self.Moved(self.names[new]))


class Themes(ModalScreen[None]):
    """A list at the side, so that the dashboard is seen under each theme."""

    app: ItdashApp
    BINDINGS: ClassVar = [
        Binding("enter", "keep", "keep"), Binding("escape,q", "leave", "back to the former"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Themes {
        align: right middle;
        background: transparent;
        Vertical { width: 36; max-width: 95%; height: auto; max-height: 95%; background: $background; }
        ThemeList { height: auto; max-height: 16; }
        #about { height: 4; padding: 0 2; color: $text-dim; }
    }
    """

    def __init__(self, looks: Sequence[Look], former: str) -> None:
        super().__init__()
        self._looks = {look.name: look for look in looks}
        self._former = former
        self._done = False
        self._list = ThemeList(list(self._looks), former)

    def compose(self) -> ComposeResult:
        """The names, and what the one under the cursor is for."""
        self._list.border_title = "Themes"
        self._list.border_subtitle = "Enter: keep   Escape: back"
        with Vertical():
            yield self._list
            yield Static("", markup=False, id="about")

    def on_mount(self) -> None:
        """Draw it."""
        if self._former in self._looks:
            self._tell(self._former)
        self.call_after_refresh(self._list.renew)

    def on_theme_list_moved(self, message: ThemeList.Moved) -> None:
        """Wear it, unless the choice was made while this was on its way."""
        if self._done:
            return
        if self.app.theme != message.name:
            self.app.theme = message.name
        self._tell(message.name)

    def _tell(self, name: str) -> None:
        self.query_one("#about", Static).update(self._looks[name].about)

    def action_keep(self) -> None:
        """Keep the theme for now and for the next time."""
        self._done = True
        name = self._list.names[self._list.cursor]
        self.app.theme = name
        loaded = self.app.loaded
        origin = loaded.origins.get("theme", "default")
        try:
            themes.remember(name)
        except ConfigError as error:
            self.app.notify("\n".join(error.lines()), severity="warning", markup=False)
        else:
            if origin != "default":
                told = f"next time it is {loaded.config.theme} again, which is named by"
                self.app.notify(f"{told} {origin}", markup=False)
        self.dismiss()

    def action_leave(self) -> None:
        """Go back to the theme from before."""
        self._done = True
        if self.app.theme != self._former:
            self.app.theme = self._former
        self.dismiss()
