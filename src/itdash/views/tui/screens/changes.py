"""What a run changed against its baseline, or against the run before it, over the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.render.comparison import lines
from itdash.views.tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from itdash.render.spans import Spans
    from itdash.state.comparison import Comparison


class Changes(Sheet):
    """A list to scroll."""

    DEFAULT_CSS = """
    Changes Panel { max-width: 160; }
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__("What changed", "changes")
        self._comparison = comparison

    def lines(self, width: int, height: int) -> list[Spans]:  # noqa: ARG002
        """The same that `itdash compare` prints."""
        return [[("plain", " "), *spans] for spans in lines(self._comparison, width - 1, self.app.paint)]
