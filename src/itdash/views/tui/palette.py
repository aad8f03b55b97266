"""Roles of the text turned into styles of the theme that is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.style import Style
from textual.color import Color, ColorParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.color import Color as RichColor

_VARIABLES: Final = {
    "plain": "foreground", "dim": "text-dim", "strong": "text-strong", "passed": "status-passed",
    "failed": "status-failed", "crashed": "status-crashed", "skipped": "status-skipped",
    "flaky": "status-flaky", "warned": "status-flaky", "running": "status-running", "pending": "status-pending", "stale": "text-dim",
    "kept": "budget-kept", "near": "budget-near", "broken": "budget-broken", "chart": "chart",
    "peak": "chart-peak", "limit": "chart-limit", "match": "match", "key": "accent", "frame": "frame",
    "title": "primary",
}  # fmt: skip
_BOLD: Final = frozenset({"strong", "failed", "crashed", "broken", "match", "key", "title"})
_ITALIC: Final = frozenset({"stale"})


class Palette:
    """The styles of one theme."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._styles = {
            role: Style(
                color=_color(variables, name), bold=role in _BOLD or None, italic=role in _ITALIC or None
            )
            for role, name in _VARIABLES.items()
        }
        self.cursor = Style(bgcolor=_color(variables, "cursor"))
        self.cursor_blurred = Style(bgcolor=_color(variables, "panel"))

    def __getitem__(self, role: str) -> Style:
        return self._styles[role]


def _color(variables: Mapping[str, str], name: str) -> RichColor | None:
    try:
        return Color.parse(variables[name]).rich_color
    except (KeyError, ColorParseError):
        return None
