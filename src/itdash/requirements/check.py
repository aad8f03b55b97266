"""What the requirements of one suite may not say: an id twice, a parent that is not there, a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.errors import nearest
from itdash.requirements.entry import RequirementsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.requirements.entry import Entry


def check(entries: Sequence[Entry]) -> None:
    """Refuse them at the first mistake."""
    by_id: dict[str, Entry] = {}
    for entry in entries:
        first = by_id.setdefault(entry.row.id, entry)
        if first is not entry:
            raise RequirementsError(
                f"requirement {entry.row.id!r} is there twice",
                where=f"{entry.where}, and {first.where}",
                mend="remove one, or give it another id; only another suite may use the same",
            )
    for entry in entries:
        if entry.row.parent and entry.row.parent not in by_id:
            raise RequirementsError(
                f"requirement {entry.row.id!r} has the parent {entry.row.parent!r}, which does not exist",
                where=entry.where,
                mend=nearest(entry.row.parent, [known for known in by_id if known != entry.row.id]),
            )
    done: set[str] = set()
    for entry in entries:
        _refuse_circle(entry.row.id, by_id, done)


def _refuse_circle(start: str, by_id: dict[str, Entry], done: set[str]) -> None:
    path: dict[str, None] = {}
    name = start
    while name and name not in done:
        if name in path:
            way = list(path)
            circle = [*way[way.index(name) :], name]
            raise RequirementsError(
                f"the parents of {name!r} go in a circle: {' -> '.join(circle)}",
                where=by_id[name].where,
                mend="take one parent away",
            )
        path[name] = None
        name = by_id[name].row.parent
    done.update(path)
