"""Foreign text as GitHub Flavored Markdown: it can be read, and is never taken for markup.

A backslash before a sign is read differently by different parsers where a table is near. So signs are written
as numeric entities, which no parser takes for structure, and names of tests as code, where no sign counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from itdash.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST: Final = 240
"""So many columns of a text are shown where it stands on a line with others."""

_SIGNS: Final = re.compile(r"[\\`*_{}\[\]<>&|~#!$@^]|:(?=\S)")
_STARTS: Final = re.compile(r"[-+=]|[0-9](?=[0-9]{0,8}[.)])")
_TICKS: Final = re.compile("`+")
_IN_WORD: Final = re.compile(r"(?<=[A-Za-z0-9])&#95;(?=[A-Za-z0-9])")


def plain(text: str, width: int = LONGEST) -> str:
    """The text as words; it may stand anywhere, also at the start of a line."""
    line = _line(text, width)
    told = _IN_WORD.sub("_", _SIGNS.sub(_entity, line))
    start = _STARTS.match(told)
    return _entity(start) + told[1:] if start else told


def _line(text: str, width: int) -> str:
    """The text on one line, inert and bounded; the usual one is all of these already."""
    line = text if len(text) <= width and text.isascii() and text.isprintable() else one_line(text, width)
    return " ".join(line.split())


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def code(text: str, width: int = LONGEST) -> str:
    """The text as code on a line, outside of tables."""
    line = _line(text, width)
    if not line:
        return ""
    fence = _fence(line, 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str, width: int = LONGEST) -> str:
    """The text as code in a table; what parsers do not agree on there is written as words."""
    told = code(text, width)
    if "|" not in told:
        return told
    return plain(text, width) if "\\" in told else told.replace("|", "\\|")


def row(cells: Iterable[str]) -> str:
    """A row of a table; its cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(heads: Sequence[str], right: Sequence[bool], rows: Iterable[str]) -> list[str]:
    """A table, and the empty line after it; columns of figures go to the right."""
    marks = ["---:" if is_right else "---" for is_right in right]
    return [row(heads), row(marks), *rows, ""]


def block(lines: Iterable[str], language: str = "text") -> list[str]:
    """Lines as a block of code, and the empty line after it; they stand as they are."""
    told = list(lines)
    fence = _fence("\n".join(told), 3)
    return [f"{fence}{language}", *told, fence, ""]


def _fence(text: str, least: int) -> str:
    """More backticks than stand together anywhere in the text."""
    return "`" * max(least, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
