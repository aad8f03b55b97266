"""One theme, read from its YAML file; whatever is wrong with it is told with its line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual.theme import Theme

from itdash.errors import ConfigError, nearest

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
_Tables = dict[str, Any]
_Lines = dict[tuple[str, ...], int]
_COPY: Final = "copy a bundled theme and change it"


@dataclass
class Look(Theme):
    """A theme, what it is for, and the file that it was read from."""

    about: str = ""
    file: Path = Path()


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


def _nodes(file: Path) -> tuple[_Tables, _Lines]:
    """What the file says, every value as it stands there, and the line of each name."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this theme cannot be read: {error}", where=str(file)) from None
    return plainly(text) or by_yaml(text, file)


def plainly(text: str) -> tuple[_Tables, _Lines] | None:
    """Names and values a line each, as the bundled themes are written; nothing where YAML is needed.

    A theme is read before the first picture, and importing yaml takes longer than all that is done with it.
    """
    tables: _Tables = {}
    lines: _Lines = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, rest = line.removeprefix("  ").partition(":")
        value = _value(rest)
        if not colon or value is None or not (name.isascii() and name.replace("-", "").isalpha()):
            return None
        nested = line.startswith("  ")
        if not nested:
            table = "" if value else name
        place = (table, name) if nested else (name,)
        if place in lines or (nested and not table):
            return None
        lines[place] = number
        if nested:
            tables[table][name] = value
        else:
            tables[name] = value or {}
    return (tables, lines) if tables and all(tables.values()) else None


def _value(rest: str) -> str | None:
    """What stands after a colon: nothing, one word, or a text in quotes that means itself."""
    value = rest.strip(" ")
    if value and not rest.startswith(" "):
        return None
    if value[:1] == '"':
        inner = value[1:-1]
        whole = len(value) > 2 and value[-1] == '"' and inner.isprintable()
        return inner if whole and '"' not in inner and "\\" not in inner else None
    return value if not value or (value.isascii() and value.replace("_", "").isalpha()) else None


def by_yaml(text: str, file: Path) -> tuple[_Tables, _Lines]:
    """The same of any YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        where = f"{file}:{error.problem_mark.line + 1}" if error.problem_mark else str(file)
        what = f"this file is not valid YAML: {error.problem or error.context}"
        raise ConfigError(what, where=where, mend="correct that line") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"this theme cannot be read: {error}", where=str(file)) from None
    lines: _Lines = {}

    def told(node: Any, place: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return node.value if isinstance(node, yaml.ScalarNode) else None
        table: _Tables = {}
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in table:
                where = f"{file}:{line}"
                raise ConfigError(f"{name!r} stands there twice", where=where, mend="take one away")
            lines[*place, name] = line
            table[name] = told(value, (*place, name))
        return table

    found = told(root, ()) if root else None
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
