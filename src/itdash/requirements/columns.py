"""Tables with a heading, from markdown or CSV: which column is what, and a row as a requirement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from itdash.events.model import RequirementRow

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = {
    "id": ("id", "requirement id", "req id", "requirement", "requirements", "req"),
    "title": ("title", "requirement", "name", "summary", "text", "description"),
    "source": ("source", "origin", "from"),
    "parent": ("parent", "parent id", "part of"),
    "tags": ("tags", "tag", "labels", "label"),
}
"""The headings by which a column is known, the first that is there wins."""

_ID_AND_TITLE = re.compile(r"(?P<id>.+?)(?:\s+[-–—]+|\s*:)\s+(?P<title>.+)", re.DOTALL)
_NEARLY = 0.8


def columns(heading: Sequence[str]) -> dict[str, int]:
    """Where each of our columns stands; empty when none holds ids."""
    plain = [re.sub(r"[\s_-]+", " ", cell.strip()).casefold() for cell in heading]
    found: dict[str, int] = {}
    for key, names in NAMES.items():
        for name in names:
            if name in plain and plain.index(name) not in found.values():
                found[key] = plain.index(name)
                break
    return found if "id" in found else {}


def nearly(heading: Sequence[str]) -> str:
    """A heading that was probably meant to be that of the ids."""
    from difflib import get_close_matches

    long = [name for name in NAMES["id"] if len(name) > 4]
    for cell in heading:
        if get_close_matches(cell.strip().casefold(), long, 1, _NEARLY):
            return cell.strip()
    return ""


def row(cells: Sequence[str], at: dict[str, int]) -> RequirementRow:
    """The requirement of a row; a cell that holds both, `4.1 - Scrape limit`, is parted at its first dash."""
    told = {key: cells[place].strip() if place < len(cells) else "" for key, place in at.items()}
    if not told.get("title") and (parts := _ID_AND_TITLE.fullmatch(told["id"])):
        told.update(parts.groupdict())
    tags = tuple(tag.strip() for tag in re.split("[,;]", told.pop("tags", "")) if tag.strip())
    return RequirementRow(**told, tags=tags)
