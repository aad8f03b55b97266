"""Roles of the text turned into styles of the theme that is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.style import Style
from textual.color import Color, ColorParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.color import Color as RichColor

VARIABLES: Final = {
    "plain": "foreground", "dim": "text-dim", "strong": "text-strong", "passed": "status-passed",
    "failed": "status-failed", "crashed": "status-crashed", "skipped": "status-skipped",
    "flaky": "status-flaky", "warned": "status-flaky", "running": "status-running",
    "pending": "status-pending", "stale": "text-dim", "kept": "budget-kept", "near": "budget-near",
    "broken": "budget-broken", "chart": "chart", "peak": "chart-peak", "limit": "chart-limit",
    "match": "match", "key": "accent", "frame": "frame", "title": "primary",
}  # fmt: skip
"""The variable of a theme that colours each role."""

_BOLD: Final = frozenset({"strong", "failed", "crashed", "broken", "match", "key", "title"})
_ITALIC: Final = frozenset({"stale"})
_FAINT: Final = frozenset({"dim", "pending", "stale", "frame"})
_OWN: Final = "ansi_default"


class Palette:
    """The styles of one theme; of their shapes alone where colours are not wanted."""

    def __init__(self, variables: Mapping[str, str], colourless: bool = False) -> None:
        self._colours = {} if colourless else variables
        self._styles = {role: self._style(role, name) for role, name in VARIABLES.items()}
        ground = self._colours.get("cursor", _OWN)
        self._text = self._colour("cursor-text")
        self._plain = ground == _OWN
        # A terminal's own colours are not known, so that only changing places is sure to be seen.
        self.cursor = Style(reverse=True) if self._plain else Style(bgcolor=self._colour("cursor"))
        self.cursor_blurred = Style(underline=True) if self._plain else Style(bgcolor=self._colour("panel"))
        self._over = {role: self._on_cursor(style) for role, style in self._styles.items()}

    def __getitem__(self, role: str) -> Style:
        return self._styles[role]

    def over(self, role: str) -> Style:
        """The style of a role on the line of the cursor."""
        return self._over[role]

    def _style(self, role: str, name: str) -> Style:
        own = self._colours.get(name, _OWN) == _OWN
        return Style(
            color=self._colour(name),
            bold=role in _BOLD or None,
            italic=role in _ITALIC or None,
            dim=(own and role in _FAINT) or None,
        )

    def _on_cursor(self, style: Style) -> Style:
        if self._plain:
            return Style(bold=style.bold, italic=style.italic)
        return style + Style(color=self._text) if self._text else style

    def _colour(self, name: str) -> RichColor | None:
        try:
            return Color.parse(self._colours[name]).rich_color
        except (KeyError, ColorParseError):
            return None
