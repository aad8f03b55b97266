"""Which suite a test belongs to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.events.model import SuiteSpec


class SuiteNames:
    """Finds the suite of a file: a declared one, or else the folder that the file is in."""

    def __init__(self, root: str = "", specs: Sequence[SuiteSpec] = ()) -> None:
        self.titles = {spec.name: spec.title or spec.name for spec in specs}
        places = [
            (os.path.normpath(os.path.join(root, path)), spec.name) for spec in specs for path in spec.paths
        ]
        self._places = sorted(places, key=lambda place: -len(place[0]))
        self._root = root
        self.rootdir = root
        self._known: dict[str, str] = {}

    def of(self, nodeid: str) -> str:
        """The name of the suite of a node id."""
        file = nodeid.partition("::")[0]
        name = self._known.get(file)
        if name is None:
            name = self._known[file] = self._find(file)
        return name

    def within(self, file: str) -> str:
        """The file's name as it is told below its suite."""
        whole = os.path.normpath(os.path.join(self.rootdir, file))
        for place, _ in self._places:
            if whole.startswith(place + os.sep):
                return whole[len(place) + 1 :]
        return os.path.basename(file)

    def _find(self, file: str) -> str:
        whole = os.path.normpath(os.path.join(self.rootdir, file))
        for place, name in self._places:
            if whole == place or whole.startswith(place + os.sep):
                return name
        folder = os.path.dirname(whole)
        if self._root and (folder == self._root or folder.startswith(self._root.rstrip("/") + "/")):
            name = os.path.relpath(folder, self._root)  # the same wherever pytest's own root is
            return name if name != os.curdir else os.path.basename(self._root) or "tests"
        return os.path.dirname(file) or os.path.basename(self.rootdir.rstrip("/")) or "tests"
