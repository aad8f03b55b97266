"""What the dashboard wears: one theme before the first picture, the others once somebody can see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.errors import ConfigError
from itdash.views.tui import themes
from itdash.views.tui.theme_file import Look, read

if TYPE_CHECKING:
    from textual.theme import Theme

    from itdash.config import Loaded


class Wardrobe:
    """The themes of one dashboard, and what is wrong with those that cannot be worn."""

    def __init__(self, loaded: Loaded) -> None:
        self._root = loaded.root
        self._wrong: list[str] = []
        self._told: set[str] = set()
        self.first = self._begin_with(themes.at_start(loaded))
        self._of: Theme | None = None
        self._variables: dict[str, str] = {}

    def _begin_with(self, name: str) -> Look:
        usual = themes.bundled() / f"{themes.DEFAULT}.yaml"
        found = next((file for file in reversed(themes.files(self._root)) if file.stem == name), usual)
        try:
            return read(found)
        except ConfigError as error:
            self._wrong = [" ".join(error.lines())]
            return read(usual)

    def variables(self, theme: Theme) -> dict[str, str]:
        """What sheets of style can name under a theme, also under one of textual's own that has not all."""
        if theme is not self._of:
            self._of = theme
            self._variables = {
                **self.first.variables, **theme.to_color_system().generate(), **theme.variables,
            }  # fmt: skip
        return self._variables

    def all(self) -> tuple[list[Look], list[str]]:
        """Every theme there is, read anew; and what is wrong with a file and was not told yet."""
        known, wrong = themes.load(self._root)
        news = [text for text in dict.fromkeys((*self._wrong, *wrong)) if text not in self._told]
        self._told.update(news)
        return list(known.values()), news
