"""The folders and files of a project that count, as they are on disk now."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.runner.watch.ignore import Ignore

_DEPTH = 60


class Mark(NamedTuple):
    """What changes whenever a file is written or replaced."""

    size: int
    modified: int
    changed: int
    number: int

    @classmethod
    def of(cls, found: os.stat_result) -> Mark:
        """The mark of a file that was looked at."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class Tree:
    """What was found: `aliases` are the targets of links that lie in folders which are not watched."""

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.files: dict[str, Mark] = {}
        self.aliases: dict[str, str] = {}
        self._real: set[str] = set()

    def add(self, place: str, ignore: Ignore) -> None:
        """Take in a folder with all below it, or one file."""
        if os.path.isdir(place):
            self._enter(place, ignore, 0)
        elif (mark := mark_of(place)) is not None:
            self.files[place] = mark

    def watched(self) -> list[str]:
        """The folders that must be watched."""
        beside = {os.path.dirname(target) for target in self.aliases}
        return sorted(self.folders | {folder for folder in beside if os.path.isdir(folder)})

    def _enter(self, folder: str, ignore: Ignore, depth: int) -> None:
        real = os.path.realpath(folder)
        if real in self._real or depth > _DEPTH:
            return  # a link that leads to where we have been
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=os.DirEntry.is_symlink)
        except OSError:
            return
        if depth and ignore.leaves_out_folder(folder, frozenset(entry.name for entry in entries)):
            return
        self._real.add(real)
        self.folders.add(folder)
        for entry in entries:
            try:
                if entry.is_dir():
                    self._enter(entry.path, ignore, depth + 1)
                elif entry.is_file() and not ignore.leaves_out_file(entry.path):
                    self.files[entry.path] = Mark.of(entry.stat())
                    if entry.is_symlink():
                        self.aliases[os.path.realpath(entry.path)] = entry.path
            except OSError:
                continue


def mark_of(path: str) -> Mark | None:
    """The mark of a file, or nothing where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return Mark.of(found) if stat.S_ISREG(found.st_mode) else None


def grown(places: Iterable[str], ignore: Ignore) -> Tree:
    """Everything that counts in these places."""
    tree = Tree()
    for place in places:
        tree.add(place, ignore)
    return tree
