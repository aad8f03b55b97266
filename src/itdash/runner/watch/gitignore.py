"""The patterns of `.gitignore` as git understands them, for one file of patterns."""

from __future__ import annotations

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line: what it matches, from the folder of its file on; whether it takes back what others said."""

    regex: re.Pattern[str]
    negated: bool
    folders_only: bool


def parse(text: str) -> tuple[Pattern, ...]:
    """The patterns of a file in their order."""
    return tuple(made for line in text.splitlines() if (made := _pattern(line)))


def verdict(patterns: tuple[Pattern, ...], path: str, is_folder: bool) -> bool | None:
    """Whether the last pattern that matches `path` leaves it out; nothing where none matches."""
    for pattern in reversed(patterns):
        if (is_folder or not pattern.folders_only) and pattern.regex.fullmatch(path):
            return not pattern.negated
    return None


def _pattern(line: str) -> Pattern | None:
    line = line.removeprefix("\ufeff")
    line = re.sub(r"(?<!\\)((?:\\\\)*) +$", r"\1", line)  # spaces at the end count only where escaped
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[negated:]
    folders_only = line.endswith("/")
    line = line.rstrip("/") if folders_only else line
    anchored = "/" in line
    line = line.removeprefix("/")
    if not line:
        return None
    try:
        regex = re.compile(("" if anchored else "(?:.*/)?") + _translated(line), re.S)
    except re.error:
        return None
    return Pattern(regex, negated, folders_only)


def _translated(glob: str) -> str:
    """A glob as a regular expression: `*` and `?` stay within a name, `**` spans folders."""
    made, at = "", 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/") and (at == 0 or glob[at - 1] == "/"):
            made, at = made + "(?:.*/)?", at + 3
        elif rest == "**" and (at == 0 or glob[at - 1] == "/"):
            made, at = made + ".+", at + 2
        elif rest[0] == "*":
            made, at = made + "[^/]*", at + len(rest) - len(rest.lstrip("*"))
        elif rest[0] == "?":
            made, at = made + "[^/]", at + 1
        elif rest[0] == "[" and (found := re.match(r"\[[!^]?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", rest)):
            made, at = made + _set(found[0]), at + len(found[0])
        elif rest[0] == "[":
            raise re.error("a set without an end")  # git lets such a line match nothing
        elif rest[0] == "\\" and len(rest) > 1:
            made, at = made + re.escape(rest[1]), at + 2
        else:
            made, at = made + re.escape(rest[0]), at + 1
    return made


_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), "xdigit": "0-9a-fA-F",
}  # fmt: skip


def _set(text: str) -> str:
    """A set of characters, which never holds the slash."""
    inside = text[1:-1]
    negated = inside[:1] in ("!", "^")
    inside = re.sub(r"\[:(\w+):\]", lambda found: _CLASSES.get(found[1], ""), inside[negated:])
    inside = re.sub(r"(?<!\\)([\[\]&~|])", r"\\\1", inside) if "\\" not in inside else inside
    return f"(?!/)[{'^' if negated else ''}{inside}]"
