"""Two runs held against each other: as text, as Markdown for a pull request, as JSON."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from itdash.render import gfm, words
from itdash.render.changes import headline, parts, remarks, side
from itdash.render.document.tables import CODE, NUMBER
from itdash.render.spans import pad, push
from itdash.render.text import columns as wide
from itdash.render.text import inert, one_line

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
    word, why = headline(comparison)
    role = {"regression": "failed", "no regression": "passed"}.get(word, "warned")
    yield f"run       {one_line(comparison.run.name)}  {paint('dim', one_line(side(comparison.run)))}"
    yield f"baseline  {one_line(comparison.base.name)}  {paint('dim', one_line(side(comparison.base)))}"
    yield ""
    yield f"{paint(role, word.upper())}  {why}".rstrip()
    for part in parts(comparison):
        yield ""
        yield paint(part.role, f"{part.table.title} ({len(part.table.rows):,})")
        yield from _table(part.table, paint, width)
    told = remarks(comparison)
    if told:
        yield ""
    yield from (f"{paint('flaky', paint.glyph('skipped'))} {inert(remark)}" for remark in told)


def _table(table: Table, paint: Paint, width: int) -> Iterator[str]:
    """Rows in columns; the last one is as long as it is, or as the terminal is wide."""
    sign = paint.glyph("cut")
    rows = [
        [words.spelled(one_line(str(value)), paint.ascii) for value in row]
        for row in islice(table.rows, _ROWS)
    ]
    heads = [column.head for column in table.columns]
    room = [min(max(map(wide, cells)), _WIDEST) for cells in zip(heads, *rows, strict=True)]
    for place, row in enumerate([heads, *rows]):
        told = [
            push(cell, space) if column.kind == NUMBER else pad(cell, space, sign)
            for cell, space, column in zip(row, room, table.columns, strict=True)
        ]
        line = f"  {'  '.join(told)}".rstrip()
        line = one_line(line, width, sign) if width else line
        yield paint("dim", line) if place == 0 else line
    if len(table.rows) > _ROWS:
        yield f"  {words.count(len(table.rows) - _ROWS, 'more row')} not shown"


def markdown(comparison: Comparison) -> str:
    """The comparison for a pull request."""
    word, why = headline(comparison)
    lines = [f"## {word.capitalize()}{': ' if why else ''}{gfm.plain(why)}", ""]
    for title, one in (("Run", comparison.run), ("Baseline", comparison.base)):
        lines.append(f"- {title} {gfm.code(one.name)}: {gfm.plain(side(one), 600)}")
    lines.append("")
    for part in parts(comparison):
        lines += [f"**{part.table.title}** ({len(part.table.rows):,})", ""]
        lines += _grid(part.table)
    lines += [f"- {gfm.plain(remark, 600)}" for remark in remarks(comparison)]
    return "\n".join(lines).rstrip() + "\n"


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
