"""The test files of a project, found where pytest would find them, and what their sources say."""

from __future__ import annotations

import ast
import fnmatch
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.adopt import ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.adopt.pytest_files import Told

_NOT_ENTERED: Final = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "__pycache__")
_FILES, _BYTES, _DEPTH = 10_000, 4_000_000, 30


class TestFile(NamedTuple):
    """A test file by its path from the project's folder on, with what its source says."""

    path: str
    source: ids.Source

    @property
    def folder(self) -> str:
        """Its folder; a dot is the project's."""
        return os.path.dirname(self.path) or os.curdir


class Project(NamedTuple):
    """A project's folder, what it tells pytest, its test files, and what could not be looked at."""

    root: Path
    told: Told
    files: tuple[TestFile, ...]
    notes: tuple[str, ...]

    def starts(self) -> list[str]:
        """The folders that pytest is told to look in; none where it looks everywhere."""
        found = [
            str(path.relative_to(self.root))
            for pattern in self.told.testpaths
            for path in sorted(_matching(self.root, pattern))
        ]
        return list(dict.fromkeys(found))


def look(root: Path, told: Told) -> Project:
    """Look at the project; no file is imported or run."""
    bare = Project(root, told, (), ())
    notes: list[str] = []
    found: dict[str, TestFile] = {}
    for start in bare.starts() or [os.curdir]:
        for path in _files(root, start, told, notes):
            if len(found) == _FILES:
                notes.append(f"more than {_FILES:,} test files: the rest was not looked at")
                break
            name = os.path.relpath(path, root)
            if name not in found:
                found[name] = TestFile(name, _source(root, name, notes))
    return Project(root, told, tuple(found.values()), tuple(notes))


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    try:
        found = list(root.glob(os.path.normpath(pattern)))
    except (ValueError, NotImplementedError, OSError):
        return
    for path in found:
        if path.is_relative_to(root):
            yield path


def _files(root: Path, start: str, told: Told, notes: list[str]) -> Iterator[str]:
    place = os.path.normpath(root / start)
    if os.path.isfile(place):
        yield place
        return
    ignored = {os.path.normpath(root / path) for path in told.ignored}
    yield from _below(place, told, ignored, notes, 0)


def _below(folder: str, told: Told, ignored: set[str], notes: list[str], depth: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        notes.append(f"{folder} was not looked at: {error.strerror or error}")
        return
    names = {entry.name for entry in entries}
    if depth and ("pyvenv.cfg" in names or "conda-meta" in names):
        return
    if "conftest.py" in names:
        ignored = ignored | _ignored_by(os.path.join(folder, "conftest.py"))
    for entry in entries:
        if entry.path in ignored:
            continue
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            continue
        if not entry.name.isprintable():
            if is_folder or entry.name.endswith(".py"):
                notes.append(f"{entry.path} was not looked at: no configuration can name it")
        elif is_folder:
            if depth < _DEPTH and not _matches(entry.name, told.norecursedirs or _NOT_ENTERED):
                yield from _below(entry.path, told, ignored, notes, depth + 1)
        elif entry.name.endswith(".py") and _is_test(entry.path, told.python_files):
            yield entry.path


def _is_test(path: str, patterns: Sequence[str]) -> bool:
    """Whether the name fits one of them, or the path does where the pattern has a folder."""
    name = os.path.basename(path)
    return any(
        fnmatch.fnmatchcase(path, f"*/{pattern}") if "/" in pattern else fnmatch.fnmatchcase(name, pattern)
        for pattern in patterns
    )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _ignored_by(conftest: str) -> set[str]:
    """What a `collect_ignore` that is written out leaves out."""
    try:
        tree = ast.parse(Path(conftest).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return set()
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(name, ast.Name) and name.id == "collect_ignore" for name in node.targets)
    ]
    return {
        os.path.normpath(os.path.join(os.path.dirname(conftest), word.value))
        for value in values
        for word in getattr(value, "elts", ())
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    }


def _source(root: Path, name: str, notes: list[str]) -> ids.Source:
    path = root / name
    try:
        if path.stat().st_size > _BYTES:
            notes.append(f"{name} was not looked into: it is larger than {_BYTES:,} bytes")
        else:
            return ids.read(path.read_bytes())
    except SyntaxError as error:
        notes.append(f"{name} was not looked into: line {error.lineno or 1}: {error.msg}")
    except (OSError, ValueError, RecursionError) as error:
        notes.append(f"{name} was not looked into: {error}")
    return ids.Source(frozenset(), ())
