"""A panel that shows lines that were made for it, or those of a file of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render.text import inert
from itdash.views.tui.actions.whole import WholeText
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.render.spans import Spans

_FRAME: Final = 1 / 30


class Pages(Lines):
    """Finds the lines of a file in steps, so that none takes long; those that were found can be read."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Spans] = []
        self._whole: WholeText | None = None

    @property
    def paging(self) -> bool:
        """Whether a file is shown."""
        return self._whole is not None

    def on_mount(self) -> None:
        """Go on finding lines."""
        self.set_interval(_FRAME, self._find)

    def on_unmount(self) -> None:
        """Let the file go."""
        self.close()

    def count(self) -> int:
        """How many lines there are."""
        return self._whole.found if self._whole else len(self._lines)

    def line(self, place: int, width: int) -> Spans:  # noqa: ARG002
        """One of them."""
        return [("plain", inert(self._whole.line(place)))] if self._whole else self._lines[place]

    def show(self, lines: list[Spans], title: str) -> None:
        """Show these lines."""
        self._lines = lines
        self.border_title, self.border_subtitle = title, ""
        self.renew()
        self.refresh()

    def open(self, path: Path, title: str) -> None:
        """Show a file from its start; OSError and ValueError where it cannot be read, or is empty."""
        self.close()
        self._whole = WholeText(path, self.scrollable_content_region.width)
        self.border_title = title
        self.scroll_home(animate=False)
        self._find()

    def close(self) -> None:
        """Let the file go."""
        if self._whole:
            self._whole.close()
        self._whole = None

    def _find(self) -> None:
        whole = self._whole
        if whole is None or whole.share >= 1:
            return
        more = whole.go_on()
        self.border_subtitle = f"{whole.found:,} lines" + (f", {whole.share:.0%} read" if more else "")
        self.renew()
        self.refresh()
