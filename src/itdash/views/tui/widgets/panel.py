"""A panel whose lines come from one pure function of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.geometry import Region

    from itdash.render.spans import Spans


class Panel(Lines):
    """Shows what `draw` makes for its size; a hint where there is nothing yet."""

    def __init__(
        self,
        title: str,
        draw: Callable[[int, int], list[Spans]],
        hint: Callable[[], str],
        *,
        id: str,
        choose: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(id=id)
        self._choose = choose
        self.chooses = choose is not None
        self.border_title = title
        self._draw, self._hint = draw, hint
        self._lines: list[Spans] = []

    def action_choose(self) -> None:
        """Do what the line is there for."""
        if self._choose is not None:
            self._choose(self.cursor)

    def renew(self) -> None:
        """Draw anew, unless nobody sees it."""
        region = self.scrollable_content_region
        if not region.width or not region.height:
            return
        self._make(region)
        super().renew()
        after = self.scrollable_content_region
        if after.width != region.width:  # the scrollbar came or went
            self._make(after)
            super().renew()

    def _make(self, region: Region) -> None:
        try:
            lines = self._draw(region.width, region.height)
        except Exception as error:
            lines = [self.broken(error)]
        if not lines:
            lines = [[("dim", text)] for text in self._wrapped(region.width)]
        self._lines = lines

    def _wrapped(self, width: int) -> list[str]:
        from textwrap import wrap

        return wrap(self._hint(), max(10, width))

    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def line(self, place: int, width: int) -> Spans:  # noqa: ARG002
        """One of them."""
        return self._lines[place]
