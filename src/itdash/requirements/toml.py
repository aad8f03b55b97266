"""`requirements.toml`: tables `[[requirement]]` with id, title, source, parent and tags."""

from __future__ import annotations

import re
from typing import Any

from itdash.errors import nearest
from itdash.events.model import RequirementRow
from itdash.requirements.entry import Entry, RequirementsError, place, text_of

KEYS = tuple(RequirementRow.__struct_fields__)
_TABLE = "requirement"
_HEADING = re.compile(r"^[ \t]*\[\[[ \t]*[\"']?requirement[\"']?[ \t]*\]\]", re.MULTILINE)
_KINDS = {bool: "true or false", dict: "a table", list: "a list"}


def read(path: str) -> list[Entry] | None:
    """The requirements of a file in their order; nothing if it is about something else."""
    import tomllib

    text = text_of(path)
    try:
        # A number is taken as it is written: 4.10 is not 4.1.
        tables: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"), parse_float=str)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        raise RequirementsError(
            f"this file is not valid TOML: {error}",
            where=place(path, int(at[1]) if at else 0),
            mend="correct that line",
        ) from None
    if not _is_ours(tables, path):
        return None
    listed = tables[_TABLE]
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise RequirementsError(
            f"{_TABLE} must be a list of tables", where=path, mend="write [[requirement]], in double brackets"
        )
    lines = [text.count("\n", 0, heading.start()) + 1 for heading in _HEADING.finditer(text)]
    if len(lines) != len(listed):  # written as one list, or a heading inside of a text
        lines = [0] * len(listed)
    return [
        _entry(table, path, line, number)
        for number, (table, line) in enumerate(zip(listed, lines, strict=True), 1)
    ]


def _is_ours(tables: dict[str, Any], path: str) -> bool:
    """A file of this name may be another tool's; one that nearly has our table is a mistake."""
    from difflib import get_close_matches

    known = _TABLE in tables
    for key in tables:
        if key != _TABLE and (known or get_close_matches(key.lower(), [_TABLE], cutoff=0.75)):
            raise RequirementsError(f"unknown key {key!r}", where=path, mend="write [[requirement]]")
    return known


def _entry(table: dict[str, Any], path: str, line: int, number: int) -> Entry:
    where = place(path, line)
    named = (
        f"requirement {table['id']!r}" if isinstance(table.get("id"), str) else f"requirement no. {number}"
    )
    for key in table:
        if key not in KEYS:
            raise RequirementsError(
                f"unknown key {key!r} in {named}", where=where, mend=nearest(key, list(KEYS))
            )
    texts = {key: _text(table[key], key, named, where) for key in KEYS[:-1] if key in table}
    if not texts.get("id"):
        raise RequirementsError(f"{named} has no id", where=where, mend='add id = "..."')
    tags = table.get("tags", [])
    tags = tags if isinstance(tags, list) else [tags]
    return Entry(
        RequirementRow(**texts, tags=tuple(_text(tag, "a tag", named, where) for tag in tags)), path, line
    )


def _text(value: Any, key: str, named: str, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        found = _KINDS.get(type(value), "a date" if hasattr(value, "isoformat") else repr(value))
        raise RequirementsError(
            f"{key} of {named} must be a text, not {found}", where=where, mend='put it in quotes: "..."'
        )
    return str(value).strip()
