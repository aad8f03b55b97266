"""A single line across the screen: the header, the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from itdash.render.spans import blanks_last, fit
from itdash.render.text import columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

    from itdash.render.spans import Spans


class Line(Widget):
    """Draws what a function says, in one line."""

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; background: $surface; }
    """

    class Clicked(Message):
        """A piece of the line was clicked."""

        def __init__(self, line: Line, piece: int) -> None:
            super().__init__()
            self.line, self.piece = line, piece

    def __init__(self, draw: Callable[[int], Spans], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._drawn: Spans = []

    def renew(self) -> None:
        """Draw it again if it is not what it was."""
        if self._draw(self.size.width) != self._drawn:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Do what the piece under the mouse says, where it says something."""
        place = 0
        for number, (_, text) in enumerate(self._drawn):
            place += columns(text)
            if event.x < place:
                self.post_message(self.Clicked(self, number))
                return

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        if y or not width:
            return Strip.blank(width, self.rich_style)
        palette = self.app.palette  # type: ignore[attr-defined]
        ground = self.rich_style
        self._drawn = self._draw(width)
        spans = fit(self._drawn, width)
        return Strip([Segment(text, ground + palette[role]) for role, text in blanks_last(spans)], width)
