"""Two runs held against each other, as lines for a terminal."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from itdash.render import words
from itdash.render.changes import headline, parts, remarks, side
from itdash.render.document.tables import NUMBER
from itdash.render.spans import pad, push
from itdash.render.text import columns as wide
from itdash.render.text import inert, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.document.tables import Table
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.comparison import Comparison

_ROWS: Final = 50
_WIDEST: Final = 100
_ROLES: Final = {"regression": "failed", "no regression": "passed"}


def lines(comparison: Comparison, width: int, paint: Paint) -> Iterator[Spans]:
    """What changed, and whether it is for the worse; a width of 0 is no limit."""
    word, why = headline(comparison)
    for name, one in (("run       ", comparison.run), ("baseline  ", comparison.base)):
        yield [("plain", f"{name}{one_line(one.name)}  "), ("dim", one_line(side(one)))]
    yield []
    yield [(_ROLES.get(word, "warned"), word.upper()), ("plain", f"  {why}".rstrip())]
    for part in parts(comparison):
        yield []
        yield [(part.role, f"{part.table.title} ({len(part.table.rows):,})")]
        yield from _table(part.table, paint, width)
    told = remarks(comparison)
    if told:
        yield []
    yield from ([("flaky", paint.glyph("skipped")), ("plain", f" {inert(remark)}")] for remark in told)


def _table(table: Table, paint: Paint, width: int) -> Iterator[Spans]:
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
        yield [("plain" if place else "dim", line)]
    if len(table.rows) > _ROWS:
        yield [("plain", f"  {words.count(len(table.rows) - _ROWS, 'more row')} not shown")]
