"""Lines that are drawn when they are seen: the ground of every panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from itdash.render.spans import blanks_last, fit
from itdash.render.text import one_line

if TYPE_CHECKING:
    from textual import events

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.views.tui.palette import Palette


class Lines(ScrollView, can_focus=True):
    """A scrolling list of lines, with a cursor where `chooses` says that lines can be chosen."""

    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        border: round $frame;
        border-title-color: $text-dim;
        border-subtitle-color: $text-dim;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        overflow-x: hidden;
        padding: 0;
        &:focus { border: round $frame-focused; border-title-color: $primary; border-title-style: bold; }
    }
    """

    chooses = False
    keeps = False
    """Whether the cursor is seen without the focus."""
    cursor = reactive(0, repaint=False)

    def line(self, place: int, width: int) -> Spans:
        """The line at a place, in at most so many columns."""
        raise NotImplementedError

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    @property
    def palette(self) -> Palette:
        """The styles of the theme."""
        return self.app.palette  # type: ignore[attr-defined,no-any-return]

    @property
    def paint(self) -> Paint:
        """The glyphs of this terminal."""
        return self.app.paint  # type: ignore[attr-defined,no-any-return]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: dict[int, Spans] = {}
        self._ground = Style()

    def renew(self) -> None:
        """Draw again the lines that are seen and are not what they were."""
        width = self.scrollable_content_region.width
        size = Size(width, self.count())
        if size != self.virtual_size:
            # Set as usual it would have the whole screen arranged anew, though no widget changes its place.
            self.set_reactive(ScrollView.virtual_size, size)
            self._scroll_update(size)
        top = self.scroll_offset.y
        changed = [y for y, drawn in self._drawn.items() if drawn != self._safe_line(y + top, width)]
        if changed:
            self.refresh(*(Region(0, y, self.content_size.width, 1) for y in changed))

    def _safe_line(self, place: int, width: int) -> Spans:
        """The line, or what broke: one line that cannot be drawn must not take the screen down."""
        try:
            return self.line(place, width) if place < self.count() else []
        except Exception as error:
            return self.broken(error)

    def broken(self, error: Exception) -> Spans:
        """What stands where something could not be drawn; the traceback goes to the run's folder."""
        self.app.note_broken(error)  # type: ignore[attr-defined]
        told = f"this cannot be drawn: {type(error).__name__}: {error}"
        return [("crashed", one_line(told))]

    def render_lines(self, crop: Region) -> list[Strip]:
        """What is seen, or a part of it."""
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        width = self.scrollable_content_region.width
        place = y + self.scroll_offset.y
        spans = self._drawn[y] = self._safe_line(place, width)
        if not spans:
            return Strip.blank(width, self._ground)
        palette, ground = self.palette, self._ground
        style = palette.__getitem__
        if self.chooses and place == self.cursor and (self.has_focus or self.keeps):
            ground += palette.cursor if self.has_focus else palette.cursor_blurred
            style = palette.over if self.has_focus else style
        spans = fit(spans, width, self.paint.glyph("cut"))
        return Strip([Segment(text, ground + style(role)) for role, text in blanks_last(spans)], width)

    # -- the cursor --

    def validate_cursor(self, cursor: int) -> int:
        """The cursor stays on a line."""
        return max(0, min(cursor, self.count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Follow the cursor."""
        top = self.scroll_offset.y
        self.refresh(*(Region(0, place - top, self.content_size.width, 1) for place in (old, new)))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll as little as it takes to see the cursor."""
        height = self.scrollable_content_region.height
        if self.chooses and height and not 0 <= self.cursor - self.scroll_offset.y < height:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Go up or down, or scroll where there is nothing to choose."""
        if self.chooses:
            self.cursor += by
        else:
            self.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Go a page up or down."""
        self.action_move(by * max(1, self.scrollable_content_region.height - 1))

    def action_edge(self, end: bool) -> None:
        """Go to the first line or to the last."""
        if self.chooses:
            self.cursor = self.count() - 1 if end else 0
        elif end:
            self.scroll_end(animate=False)
        else:
            self.scroll_home(animate=False)

    def on_click(self, event: events.Click) -> None:
        """Choose the line that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and self.chooses and offset.y + self.scroll_offset.y < self.count():
            self.clicked(offset.y + self.scroll_offset.y)

    def clicked(self, place: int) -> None:
        """A line was clicked."""
        self.cursor = place

    def on_resize(self) -> None:
        """Another size shows other lines."""
        self._drawn.clear()
        self.renew()
        self.refresh()
