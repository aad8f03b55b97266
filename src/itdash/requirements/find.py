"""Where requirements stand: beside a declared suite, or else in folders that hold tests, or above them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.events.model import RequirementRow, SuiteSpec
    from itdash.requirements.entry import Entry

NAMES = ("requirements.toml", "requirements.csv", "requirements.md")
"""The first of these that a folder has is read; the others may be copies of it."""

_FOLDERS, _DEPTH = 5_000, 30
_NOT_ENTERED = frozenset({"__pycache__", "node_modules", "build", "dist", "venv", "CVS", "_darcs"})


class Declared(NamedTuple):
    """The requirements of one file, and the suite to which they belong."""

    suite: str
    file: str
    rows: tuple[RequirementRow, ...]


class Found(NamedTuple):
    """All files that count, and what a reader must know of the search."""

    declared: tuple[Declared, ...] = ()
    note: str = ""


def load(suites: Sequence[SuiteSpec], root: str, starts: Sequence[str], every: bool = False) -> Found:
    """Read what belongs to `suites`, or without any what lies around the paths `starts`.

    Suites are asked when a start touches one of their paths, or all of them for `every`.
    """
    if suites:
        chosen = [suite for suite in suites if every or _touches(suite, root, starts)]
        return Found(tuple(part for suite in chosen for part in _of_suite(suite, root)))
    search = _Search(root)
    for start in starts:
        search.around(start)
    return Found(tuple(search.read()), search.note)


def _of_suite(suite: SuiteSpec, root: str) -> Iterator[Declared]:
    places = [os.path.normpath(os.path.join(root, path)) for path in suite.paths]
    folders = dict.fromkeys(place if os.path.isdir(place) else os.path.dirname(place) for place in places)
    read = [(file, entries) for folder in folders for file, entries in _read(folder)]
    _check([entry for _, entries in read for entry in entries])
    for file, entries in read:
        yield Declared(suite.name, _relative(file, root), tuple(entry.row for entry in entries))


def _read(folder: str) -> Iterator[tuple[str, list[Entry]]]:
    for name in NAMES:
        file = os.path.join(folder, name)
        if os.path.isfile(file) and (entries := _entries(file)) is not None:
            yield file, entries
            return


def _entries(file: str) -> list[Entry] | None:
    """What a file says; its reader is imported only now, for most projects have no such file."""
    if file.endswith(".toml"):
        from itdash.requirements.toml import read
    elif file.endswith(".csv"):
        from itdash.requirements.comma import read
    else:
        from itdash.requirements.markdown import read
    return read(file)


def _check(entries: list[Entry]) -> None:
    from itdash.requirements.check import check

    check(entries)


def _touches(suite: SuiteSpec, root: str, starts: Sequence[str]) -> bool:
    places = [os.path.normpath(os.path.join(root, path)) for path in suite.paths]
    return any(is_below(place, start) or is_below(start, place) for place in places for start in starts)


def is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder or stands in it."""
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")


def _relative(file: str, root: str) -> str:
    return os.path.relpath(file, root) if is_below(file, root) else file


class _Search:
    """Looks for files in a bounded number of folders; one without Python below it holds no tests."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: dict[str, None] = {}
        self._seen = 0
        self.note = ""

    def around(self, start: str) -> None:
        """Look above `start` up to the project's folder, and below it where it is a folder."""
        folder = start if os.path.isdir(start) else os.path.dirname(start)
        above = folder
        while is_below(above, self._root):
            if any(os.path.isfile(os.path.join(above, name)) for name in NAMES):
                self._folders[above] = None
            if above == self._root:  # where that is `/`, nothing is above it
                break
            above = os.path.dirname(above)
        if os.path.isdir(start):
            self._below(start, 0)

    def read(self) -> Iterator[Declared]:
        """What the files say, each folder a suite of its own."""
        for folder in sorted(self._folders):
            for file, entries in _read(folder):
                _check(entries)
                name = os.path.relpath(folder, self._root)
                suite = os.path.basename(self._root) if name == os.curdir else name
                yield Declared(suite, _relative(file, self._root), tuple(entry.row for entry in entries))

    def _below(self, folder: str, depth: int) -> bool:
        """Whether there is Python in a folder or below it."""
        self._seen += 1
        if self._seen > _FOLDERS or depth > _DEPTH:
            self.note = (
                f"requirements were looked for in {_FOLDERS:,} folders and no further; "
                "declare suites, or name the folders of the tests"
            )
            return False
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            return False
        names = {entry.name for entry in entries}
        if depth and ("pyvenv.cfg" in names or "conda-meta" in names):
            return False
        has_python = any(name.endswith(".py") for name in names)
        for entry in entries:
            if _is_entered(entry):
                has_python |= self._below(entry.path, depth + 1)
        if has_python and not names.isdisjoint(NAMES):
            self._folders[folder] = None
        return has_python


def _is_entered(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    if name in _NOT_ENTERED or name.startswith(".") or name.endswith(".egg"):
        return False
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
