"""The keys that move, on every screen that has lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from itdash.views.tui.widgets.lines import Lines

MOVES: Final = ("go.down", "go.up", "go.page-down", "go.page-up", "go.top", "go.bottom")
"""The ids of their keys."""


class Scrolls:
    """The actions of a screen that move in its lines."""

    @property
    def current(self) -> Lines:
        """The lines in which the keys move."""
        raise NotImplementedError

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.current.action_move(by)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self.current.action_page(by)

    def action_edge(self, end: bool) -> None:
        """To the first line or the last."""
        self.current.action_edge(end)
