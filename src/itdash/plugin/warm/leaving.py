"""The modules that are not imported beforehand, each with the reason, kept from one session to the next."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from itdash.plugin.warm.used import rows, save
from itdash.plugin.warm.valid import installation, installed_from, plugins, shadows

if TYPE_CHECKING:
    from itdash.plugin.warm.used import Used


class LeftOut:
    """What is found out stays true while the same packages are installed and the project does the same."""

    def __init__(self, place: str, used: Used, root: str) -> None:
        self._found, self._importing = os.path.join(place, "left-out"), os.path.join(place, "importing")
        self._given = dict.fromkeys(plugins(), "is a plugin of pytest")
        self._given["readline"] = "changes signals, and pytest imports it in its own time"
        self._given |= dict.fromkeys(used.replaced, "the project puts something in its place")
        self._given |= dict.fromkeys(installed_from(root), "was installed from the project's folder")
        shadowed = shadows(used, used.modules)
        self._given |= dict.fromkeys(shadowed, "the project has a module of this name")
        self._stamp = sha256(repr((installation(), sorted(self._given), used.variables)).encode()).hexdigest()
        self.names = dict(self._given)
        kept = rows(self._found)
        if kept and kept[0] == [self._stamp]:
            self.names |= {row[0]: row[1] for row in kept[1:] if len(row) == 2}
        for row in rows(self._importing):
            self.names.setdefault(row[0], "ended the process, or took too long, when it was imported")

    def mark(self, name: str) -> None:
        """This module is about to be imported, if any."""
        with suppress(OSError):
            save(self._importing, [name] if name else [])

    def save(self) -> None:
        """Keep what was found out."""
        found = [f"{name}\t{why}" for name, why in self.names.items() if name not in self._given]
        with suppress(OSError):
            save(self._found, [self._stamp, *found])
