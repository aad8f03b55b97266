"""The dashboard in ASCII alone: what textual itself draws with other characters, drawn with these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.scrollbar import ScrollBar, ScrollBarRender

if TYPE_CHECKING:
    from textual.app import App

CLASS: Final = "-ascii"

CSS: Final = """
App.-ascii {
    Lines, Lines:focus { border: ascii $frame; }
    Lines:focus { border: ascii $frame-focused; }
    Ask Vertical, Options #options { border: ascii $frame-focused; }
    Toast { border-left: ascii $foreground; border-right: none; }
    Screen.-maximized-view { hatch: none; }
    CommandPalette {
        SearchIcon { display: none; }
        #--input { border: none; border-bottom: ascii $frame; }
        CommandList { border: none; border-bottom: ascii $frame; }
    }
}
"""


class _Blanks(ScrollBarRender):
    """A bar that begins and ends at whole lines."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def dress(app: App[Any], ascii_only: bool) -> None:
    """Have the app draw in ASCII, or not; its style sheet must hold `CSS`."""
    app.set_class(ascii_only, CLASS)
    ScrollBar.renderer = _Blanks if ascii_only else ScrollBarRender
