"""Where requirements stand: beside a declared suite; for other tests in their folders, or above them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from itdash.events.model import RequirementRow, SuiteSpec
    from itdash.requirements.entry import Entry

NAMES = ("requirements.toml", "requirements.csv", "requirements.md", "requirements.reqif")
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


def load(
    suites: Sequence[SuiteSpec],
    root: str,
    starts: Sequence[str],
    every: bool = False,
    elsewhere: bool = True,
) -> Found:
    """Read what belongs to `suites`, and for tests `elsewhere` what lies around the paths `starts`.

    Suites are asked when a start touches one of their paths, or a test elsewhere has their file nearest above
    it, or all of them for `every`.
    """
    search = _Search(root, [place for suite in suites for place in _places(suite, root)])
    if elsewhere:
        for start in starts:
            search.around(start)
    chosen = [
        suite
        for suite in suites
        if every or _touches(suite, root, starts) or search.has_found(_folders(suite, root))
    ]
    declared = [part for suite in chosen for part in _of_suite(suite, root)]
    others = search.read({folder for suite in suites for folder in _folders(suite, root)})
    return Found((*declared, *others), search.note)


def _places(suite: SuiteSpec, root: str) -> list[str]:
    return [os.path.normpath(os.path.join(root, path)) for path in suite.paths]


def _folders(suite: SuiteSpec, root: str) -> dict[str, None]:
    """The folders whose files are the suite's."""
    return dict.fromkeys(
        place if os.path.isdir(place) else os.path.dirname(place) for place in _places(suite, root)
    )


def _of_suite(suite: SuiteSpec, root: str) -> Iterator[Declared]:
    read = [(file, entries) for folder in _folders(suite, root) for file, entries in _read(folder)]
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
    elif file.endswith(".reqif"):
        from itdash.requirements.reqif import read
    else:
        from itdash.requirements.markdown import read
    return read(file)


def _check(entries: list[Entry]) -> None:
    from itdash.requirements.check import check

    check(entries)


def _touches(suite: SuiteSpec, root: str, starts: Sequence[str]) -> bool:
    places = _places(suite, root)
    return any(is_below(place, start) or is_below(start, place) for place in places for start in starts)


def is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder or stands in it."""
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")


def _relative(file: str, root: str) -> str:
    return os.path.relpath(file, root) if is_below(file, root) else file


class _Search:
    """Looks for files in a bounded number of folders; one without Python below it holds no tests.

    What is below one of `places` belongs to a suite, and is passed over.
    """

    def __init__(self, root: str, places: Sequence[str]) -> None:
        self._root, self._places = root, places
        self._folders: dict[str, None] = {}
        self._seen = 0
        self.note = ""

    def around(self, start: str) -> None:
        """Look above `start` up to the project's folder, and below it where it is a folder."""
        if self._is_of_a_suite(start):
            return
        above = start if os.path.isdir(start) else os.path.dirname(start)
        while is_below(above, self._root):
            if any(os.path.isfile(os.path.join(above, name)) for name in NAMES):
                self._folders[above] = None
            if above == self._root:  # where that is `/`, nothing is above it
                break
            above = os.path.dirname(above)
        if os.path.isdir(start):
            self._below(start, 0)

    def has_found(self, folders: Iterable[str]) -> bool:
        """Whether there is a file in one of these."""
        return any(folder in self._folders for folder in folders)

    def read(self, known: Container[str]) -> Iterator[Declared]:
        """What the files say, each folder a suite of its own, but for those that are `known`."""
        for folder in sorted(folder for folder in self._folders if folder not in known):
            for file, entries in _read(folder):
                _check(entries)
                name = os.path.relpath(folder, self._root)
                suite = os.path.basename(self._root) if name == os.curdir else name
                yield Declared(suite, _relative(file, self._root), tuple(entry.row for entry in entries))

    def _is_of_a_suite(self, path: str) -> bool:
        return any(is_below(path, place) for place in self._places)

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
        entries = [entry for entry in entries if not self._is_of_a_suite(entry.path)]
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
