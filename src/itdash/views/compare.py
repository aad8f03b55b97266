"""Two runs held against each other: as text, as Markdown for a pull request, as JSON."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from itdash.render import gfm, words
from itdash.render.changes import headline, parts, remarks, side
from itdash.render.comparison import lines
from itdash.render.document.tables import CODE, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.document.tables import Table
    from itdash.render.paint import Paint
    from itdash.state.comparison import Comparison

SCHEMA: Final = 1
_ROWS: Final = 50
_WIDEST: Final = 100


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison for a program."""
    plain: dict[str, Any] = msgspec.to_builtins(comparison)
    return {"schema": SCHEMA, "regressions": list(comparison.regressions), **plain}


def text(comparison: Comparison, paint: Paint, width: int = 0) -> Iterator[str]:
    """The comparison for a reader at a terminal."""
    for spans in lines(comparison, width, paint):
        yield "".join(paint(role, piece) for role, piece in spans if piece)


def markdown(comparison: Comparison) -> str:
    """The comparison for a pull request."""
    word, why = headline(comparison)
    told = [f"## {word.capitalize()}{': ' if why else ''}{gfm.plain(why)}", ""]
    for title, one in (("Run", comparison.run), ("Baseline", comparison.base)):
        told.append(f"- {title} {gfm.code(one.name)}: {gfm.plain(side(one), 600)}")
    told.append("")
    for part in parts(comparison):
        told += [f"**{part.table.title}** ({len(part.table.rows):,})", ""]
        told += _grid(part.table)
    told += [f"- {gfm.plain(remark, 600)}" for remark in remarks(comparison)]
    return "\n".join(told).rstrip() + "\n"


def _in_markdown(text: str, kind: str) -> str:
    """A cell; figures are of itdash's own making."""
    if kind == NUMBER:
        return text
    return gfm.cell(text) if kind == CODE else gfm.plain(text)


def _grid(table: Table) -> list[str]:
    rows = (
        gfm.row([
            _in_markdown(str(value), column.kind)
            for value, column in zip(row, table.columns, strict=True)
        ])
        for row in islice(table.rows, _ROWS)
    )  # fmt: skip
    heads = [column.head for column in table.columns]
    lines = gfm.table(heads, [column.kind == NUMBER for column in table.columns], rows)
    if len(table.rows) > _ROWS:
        lines += [f"{words.count(len(table.rows) - _ROWS, 'more row')} not shown.", ""]
    return lines
