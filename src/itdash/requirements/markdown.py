"""`requirements.md`: every table of the page that has a column of ids."""

from __future__ import annotations

import re

from itdash.requirements.columns import columns, nearly, row
from itdash.requirements.entry import Entry, RequirementsError, place, text_of

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_END = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|`|~~)(.+?)\1")


def read(path: str) -> list[Entry] | None:
    """The requirements of all its tables in their order; nothing if it has no such table."""
    lines = _outside_of_fences(text_of(path).splitlines())
    found: list[Entry] = []
    ours = False
    at: dict[str, int] = {}
    number = 0
    while number < len(lines):
        if at and _is_row(lines[number]):
            entry = Entry(row(_cells(lines[number]), at), path, number + 1)
            if not entry.row.id:
                raise RequirementsError(
                    "this row has no id", where=entry.where, mend="write one, or remove the row"
                )
            found.append(entry)
        else:
            at = _table_at(lines, number, path)
            if at:
                ours = True
                number += 1
        number += 1
    return found if ours else None


def _table_at(lines: list[str], number: int, path: str) -> dict[str, int]:
    """The columns of the table of requirements whose heading is this line."""
    if not _is_row(lines[number]) or not _RULE.fullmatch("".join(lines[number + 1 : number + 2])):
        return {}
    heading = _cells(lines[number])
    if len(heading) != len(_cells(lines[number + 1])):
        return {}
    at = columns(heading)
    if not at and (wrong := nearly(heading)):
        raise RequirementsError(
            f"unknown column {wrong!r}", where=place(path, number + 1), mend="name it id, or Requirement"
        )
    return at


def _is_row(line: str) -> bool:
    return "|" in line and not line.startswith(("    ", "\t"))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    cells = _CELL_END.split(inner)
    if len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    return [_plain(cell) for cell in cells]


def _plain(cell: str) -> str:
    """The text of a cell without its marks of emphasis, code and links."""
    text = _LINK.sub(r"\1", cell.replace("\\|", "|"))
    while (bare := _EMPHASIS.sub(r"\2", text)) != text:
        text = bare
    return text.strip()


def _outside_of_fences(lines: list[str]) -> list[str]:
    """The same lines, those of blocks of code made empty."""
    kept, fence = [], ""
    for line in lines:
        match = _FENCE.fullmatch(line)
        if not fence and match:
            fence = match[1]
        elif fence and match and match[1].startswith(fence) and not match[2].strip():
            fence = ""
            kept.append("")
            continue
        kept.append("" if fence else line)
    return kept
