"""The line in which one writes what the tests are filtered by."""

from __future__ import annotations

from textual.widgets import Input


class Filter(Input):
    """One line; it stays as long as it holds something."""

    DEFAULT_CSS = """
    Filter { height: 1; border: none; padding: 0 1; background: $surface; }
    Filter:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__(
            placeholder="words that must be in the id; !word must not", id="filter", compact=True
        )
