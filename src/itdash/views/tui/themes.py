"""Themes as data: the bundled ones, the user's and the project's, each a YAML file; and which one is on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual.theme import Theme

from itdash.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.config import Loaded

DEFAULT: Final = "itdash-dark"
TERMINAL: Final = "terminal"

COLORS: Final = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning",
    "error",
)  # fmt: skip
"""The colours that every program made with textual has; a theme names them all."""

ROLES: Final = (
    "text-dim", "text-strong", "status-passed", "status-failed", "status-crashed", "status-skipped",
    "status-flaky", "status-running", "status-pending", "budget-kept", "budget-near", "budget-broken",
    "chart", "chart-peak", "chart-limit", "frame", "frame-focused", "cursor", "match",
)  # fmt: skip
"""The colours of our own; a theme names them all."""

OPTIONAL: Final = ("cursor-text",)
"""One colour for all text on the line of the cursor, where its ground is too strong for coloured text."""

_ALLOWED: Final = ("about", "dark", "terminal", "colors", "roles")
_COPY: Final = "copy a bundled theme and change it"


@dataclass
class Look(Theme):
    """A theme, what it is for, and the file that it was read from."""

    about: str = ""
    file: Path = Path()


# -- where themes are --


def config_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's own folder."""
    return Path(environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "itdash"


def bundled() -> Path:
    """The themes that come with itdash: in the package once it is built, or beside the sources."""
    package = Path(__file__).parents[2]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parents[1] / "themes"


def files(root: Path) -> list[Path]:
    """Every file of a theme; of two with one name the later one counts.

    A project's own are below `.config`, as a user's are below the home: what lies in a folder `themes` of a
    project may be anything.
    """
    folders = (bundled(), config_home() / "themes", root / ".config" / "itdash" / "themes")
    return [
        file
        for folder in dict.fromkeys(folders)
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in (".yaml", ".yml")
    ]


def load(root: Path) -> tuple[dict[str, Look], list[str]]:
    """Every theme by its name, and what is wrong with those that cannot be used."""
    found: dict[str, Look] = {}
    wrong = []
    for file in files(root):
        try:
            found[file.stem] = read(file)
        except ConfigError as error:
            wrong.append(f"{error.where}: {error.what}; {error.mend}")
    return found, wrong


# -- which one is on --


def at_start(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> str:
    """The theme to begin with: the one that is named; without colours the terminal's; the one chosen last."""
    known = [file.stem for file in files(loaded.root)]
    origin = loaded.origins.get("theme", "default")
    if origin != "default":
        if loaded.config.theme not in known:
            what = f"there is no theme {loaded.config.theme!r}"
            raise ConfigError(what, where=origin, mend=nearest(loaded.config.theme, known))
        return loaded.config.theme
    if "NO_COLOR" in environment:
        return TERMINAL
    last = remembered()
    return last if last in known else DEFAULT


def remembered() -> str:
    """The theme that was chosen last, or nothing."""
    import tomllib

    try:
        theme = tomllib.loads(_memory().read_text("utf-8")).get("theme")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return theme if isinstance(theme, str) else ""


def remember(name: str) -> None:
    """Keep the choice for the next time."""
    from itdash.events.wire import encode_value

    file = _memory()
    text = f"# What was chosen in the dashboard.\ntheme = {encode_value(name).decode()}\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(text, "utf-8")
        draft.replace(file)
    except OSError as error:
        what = f"the choice cannot be kept: {error.strerror or error}"
        raise ConfigError(what, where=str(file), mend='name it as theme = "..." in [tool.itdash]') from None


def _memory() -> Path:
    return config_home() / "state.toml"


# -- reading one --


def read(file: Path) -> Look:
    """One theme; whatever is wrong with it is told with its line."""
    tables, lines = _nodes(file)

    def wrong(what: str, mend: str, *place: str) -> ConfigError:
        line = lines.get(place, 0)
        return ConfigError(what, where=f"{file}:{line}" if line else str(file), mend=mend)

    for name in tables:
        if name not in _ALLOWED:
            raise wrong(f"unknown name {name!r}", nearest(name, list(_ALLOWED)), name)
    flags = {}
    for name, usual in (("dark", "true"), ("terminal", "false")):
        flags[name] = tables.get(name, usual)
        if flags[name] not in ("true", "false"):
            raise wrong(f"{name} is {flags[name]!r}", "write true or false", name)
    native = flags["terminal"] == "true"
    chosen: dict[str, dict[str, str]] = {}
    for table, needed, more in (("colors", COLORS, ()), ("roles", ROLES, OPTIONAL)):
        given = tables.get(table)
        if not isinstance(given, dict):
            raise wrong(f"{table} must be a table of colours", _COPY, table)
        for name, value in given.items():
            if name not in (*needed, *more):
                mend = nearest(name, [*needed, *more])
                raise wrong(f"unknown name {name!r} in {table}", mend, table, name)
            if fault := _fault(value, native):
                raise wrong(f"{table}.{name} {fault[0]}", fault[1], table, name)
        missing = [name for name in needed if name not in given]
        if missing:
            raise wrong(f"{table} has no {', '.join(missing)}", _COPY, table)
        chosen[table] = given
    colors, roles = chosen["colors"], chosen["roles"]
    return Look(
        name=file.stem, about=str(tables.get("about", "")), file=file, dark=flags["dark"] == "true",
        ansi=native, variables={**roles, **_textual(colors, roles)}, **colors,  # type: ignore[arg-type]
    )  # fmt: skip


def _nodes(file: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """What the file says, every value as it stands there, and the line of each name."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(file.read_text("utf-8"), Loader=loader)
    except yaml.MarkedYAMLError as error:
        where = f"{file}:{error.problem_mark.line + 1}" if error.problem_mark else str(file)
        what = f"this file is not valid YAML: {error.problem or error.context}"
        raise ConfigError(what, where=where, mend="correct that line") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this theme cannot be read: {error}", where=str(file)) from None
    lines: dict[tuple[str, ...], int] = {}

    def plain(node: Any, place: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return node.value if isinstance(node, yaml.ScalarNode) else None
        table: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in table:
                where = f"{file}:{line}"
                raise ConfigError(f"{name!r} stands there twice", where=where, mend="take one away")
            lines[*place, name] = line
            table[name] = plain(value, (*place, name))
        return table

    found = plain(root, ()) if root else None
    if not isinstance(found, dict):
        raise ConfigError("this file holds no theme", where=str(file), mend=_COPY)
    return found, lines


def _fault(value: Any, native: bool) -> tuple[str, str] | None:
    """What is wrong with a colour, and its mend."""
    from textual.color import Color, ColorParseError

    if not isinstance(value, str) or not value:
        return "is empty", 'write "#rrggbb" in quotes: without them it is a comment'
    try:
        color = Color.parse(value)
    except ColorParseError:
        return f"is {value!r}, which is no colour", 'write "#rrggbb"'
    if color.a < 1 or color.auto:
        return f"is {value!r}, through which the ground is seen", 'write "#rrggbb"'
    if color.ansi is not None and not native:
        return f"is {value!r}, a colour of the terminal", 'write "#rrggbb", or terminal: true at the top'
    return None


def _textual(colors: dict[str, str], roles: dict[str, str]) -> dict[str, str]:
    """Variables of textual's own widgets that follow from the colours."""
    ground, text = roles["cursor"], roles.get("cursor-text", roles["text-strong"])
    return {
        "surface": colors["surface"], "panel": colors["panel"], "text-muted": roles["text-dim"],
        "ansi-background": colors["background"],
        "border": roles["frame-focused"], "border-blurred": roles["frame"],
        "footer-key-foreground": colors["accent"],
        "block-cursor-background": ground, "block-cursor-foreground": text,
        "block-cursor-text-style": "bold reverse" if ground == "ansi_default" else "bold",
        "block-cursor-blurred-background": colors["panel"],
        "block-cursor-blurred-foreground": colors["foreground"],
        "input-selection-background": ground, "input-selection-foreground": text,
        "scrollbar": roles["frame"], "scrollbar-hover": roles["frame-focused"],
        "scrollbar-active": roles["frame-focused"], "scrollbar-background": colors["background"],
        "scrollbar-background-hover": colors["background"], "scrollbar-corner-color": colors["background"],
        "scrollbar-background-active": colors["background"],
    }  # fmt: skip
