"""Themes as data: the bundled ones, the user's and the project's, each a YAML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual.theme import Theme

from itdash.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT: Final = "itdash-dark"

ROLES: Final = (
    "text-dim", "text-strong", "status-passed", "status-failed", "status-crashed", "status-skipped",
    "status-flaky", "status-running", "status-pending", "budget-kept", "budget-near", "budget-broken",
    "chart", "chart-peak", "chart-limit", "frame", "frame-focused", "cursor", "match",
)  # fmt: skip
"""The colours that a theme must name beside the twelve of textual."""

COLORS: Final = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning",
    "error",
)  # fmt: skip


def folders(root: Path) -> list[Path]:
    """Where themes are looked for, the later ones winning: bundled, the user's, the project's."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return [bundled(), Path(home) / "itdash" / "themes", root / "themes"]


def bundled() -> Path:
    """The themes that come with itdash: beside the sources, or in the package once it is built."""
    package = Path(__file__).parents[2]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parents[1] / "themes"


def load(root: Path) -> tuple[dict[str, Theme], list[str]]:
    """Every theme by its name, and what is wrong with those that cannot be used."""
    found: dict[str, Theme] = {}
    wrong: list[str] = []
    for file in _files(root):
        try:
            found[file.stem] = read(file)
        except ConfigError as error:
            wrong.append(
                f"{error.where}: {error.what}; {error.mend}" if error.mend else f"{error.where}: {error.what}"
            )
    return found, wrong


def _files(root: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in folders(root):
        if folder not in seen and folder.is_dir():
            seen.add(folder)
            yield from sorted(folder.glob("*.yaml"))


def read(file: Path) -> Theme:
    """One theme; a colour that is missing, unknown or no colour is told with its place."""
    import yaml

    try:
        table = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"this theme cannot be read: {error}", where=str(file)) from None
    if not isinstance(table, dict) or not isinstance(table.get("colors"), dict):
        raise ConfigError(
            "a theme has a table of colors", where=str(file), mend="copy a bundled one and change it"
        )
    colors = _colors(table["colors"], COLORS, "colors", file)
    roles = _colors(table.get("roles") or {}, ROLES, "roles", file)
    return Theme(
        name=file.stem, dark=bool(table.get("dark", True)), ansi=bool(table.get("terminal", False)),
        variables={**roles, **_ours(colors, roles)}, **colors,  # type: ignore[arg-type]
    )  # fmt: skip


def _colors(given: Any, known: tuple[str, ...], table: str, file: Path) -> dict[str, str]:
    from textual.color import Color, ColorParseError

    for name, value in given.items():
        if name not in known:
            raise ConfigError(
                f"unknown name {name!r} in {table}", where=str(file), mend=nearest(str(name), list(known))
            )
        try:
            Color.parse(str(value))
        except ColorParseError:
            raise ConfigError(
                f"{table}.{name} is {value!r}, which is no colour", where=str(file), mend='write "#rrggbb"'
            ) from None
    missing = [name for name in known if name not in given]
    if missing:
        raise ConfigError(
            f"{table} has no {', '.join(missing)}", where=str(file), mend="copy a bundled one and change it"
        )
    return {name: str(value) for name, value in given.items()}


def _ours(colors: dict[str, str], roles: dict[str, str]) -> dict[str, str]:
    """Variables of textual that follow from the colours."""
    return {
        "border": roles["frame-focused"], "border-blurred": roles["frame"],
        "footer-key-foreground": colors["accent"], "scrollbar": roles["frame"],
        "scrollbar-background": colors["background"], "scrollbar-corner-color": colors["background"],
        "scrollbar-hover": roles["frame-focused"], "scrollbar-active": roles["frame-focused"],
        "scrollbar-background-hover": colors["background"],
        "scrollbar-background-active": colors["background"],
    }  # fmt: skip
