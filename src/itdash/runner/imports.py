"""Which project file imports which: what runs recorded, and what the sources of those files say."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec

from itdash.orders import Imported
from itdash.runner.sources import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "imports.json"
FOLDER = "imports"

ANYWHERE = ""
"""Stands for whatever imports a file when no file of the project asked for it: a plugin, or pytest itself."""


class _Source(msgspec.Struct, frozen=True, array_like=True):
    digest: str
    names: tuple[str, ...] = ()
    dynamic: bool = False


class _Kept(msgspec.Struct, omit_defaults=True):
    """What stands in the file; paths are those of the disk, without links.

    `tests` has for each file of tests how many there are, and how many failed last.
    """

    modules: dict[str, set[str]] = {}
    seen: dict[str, set[str]] = {}
    dynamic: set[str] = set()
    sources: dict[str, _Source] = {}
    patterns: tuple[str, ...] = ("test_*.py", "*_test.py")
    tests: dict[str, tuple[int, int]] = {}


class Imports:
    """The graph; grows with every run, and is read anew where a source has changed."""

    def __init__(self, kept: _Kept | None = None) -> None:
        self._kept = kept or _Kept()
        self._importers: dict[str, set[str]] | None = None

    @property
    def empty(self) -> bool:
        """Whether no run has recorded anything yet."""
        return not self._kept.modules

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names by which pytest knows a file of tests."""
        return self._kept.patterns

    @property
    def tests(self) -> dict[str, tuple[int, int]]:
        """The files of tests in their order: how many tests each has, how many of them failed last."""
        return self._kept.tests

    def files(self) -> set[str]:
        """Every file that a run has imported."""
        return {file for files in self._kept.modules.values() for file in files}

    def take(self, folder: Path) -> None:
        """Add what the processes of a run have recorded."""
        kept = self._kept
        for path in sorted((folder / FOLDER).glob("*.json")):
            try:
                told = msgspec.json.decode(path.read_bytes(), type=Imported)
            except (OSError, msgspec.DecodeError):
                continue
            kept.patterns = told.patterns or kept.patterns
            for name, file in told.modules.items():
                kept.modules.setdefault(name, set()).add(file)
            for name, importer, dynamic in told.first:
                for file in kept.modules.get(name, ()):
                    kept.seen.setdefault(file, set()).add(importer)
                    if dynamic and importer != ANYWHERE:
                        kept.dynamic.add(file)
        self._importers = None

    def read_sources(self, digests: Mapping[str, str], seconds: float = 0) -> None:
        """Read the sources that are not what they were when they were read; for `seconds`, then only some."""
        sources = self._kept.sources
        until = time.monotonic() + seconds if seconds else 0
        for path in self.files():
            if until and time.monotonic() > until:
                return
            digest = digests.get(path, "")
            known = sources.get(path)
            if known is not None and digest and known.digest == digest:
                continue
            self._importers = None
            try:
                with open(path, "rb") as handle:
                    found = statements(handle.read())
            except OSError:
                sources.pop(path, None)
                continue
            sources[path] = _Source(digest, found.names, found.dynamic)

    def importers(self) -> Mapping[str, set[str]]:
        """The files that import each file; `ANYWHERE` among them where something else does."""
        if self._importers is None:
            self._importers = self._turned()
        return self._importers

    def save(self, path: Path) -> None:
        """Write it in one piece; files that are gone are forgotten."""
        kept = self._kept
        there = {file for file in self.files() if os.path.exists(file)}
        kept.modules = {name: left for name, files in kept.modules.items() if (left := files & there)}
        kept.seen = {
            file: {importer for importer in importers if importer == ANYWHERE or importer in there}
            for file, importers in kept.seen.items()
            if file in there
        }
        kept.sources = {file: source for file, source in kept.sources.items() if os.path.exists(file)}
        kept.dynamic &= there
        self._importers = None
        replace_file(path, msgspec.json.encode(kept))

    def _turned(self) -> dict[str, set[str]]:
        kept = self._kept
        turned: dict[str, set[str]] = {}
        names_of: dict[str, set[str]] = {}
        for name, files in kept.modules.items():
            for file in files:
                names_of.setdefault(file, set()).add(name)
        for file, importers in kept.seen.items():
            turned.setdefault(file, set()).update(importers)
        for file, source in kept.sources.items():
            packages = _packages(file, names_of.get(file, ()))
            for name in source.names:
                for target in self._meant(name, packages):
                    turned.setdefault(target, set()).add(file)
            if source.dynamic:
                for target in kept.dynamic:
                    turned.setdefault(target, set()).add(file)
        for name, files in kept.modules.items():  # importing a.b.c runs a and a.b
            parent = name.rpartition(".")[0]
            for above in kept.modules.get(parent, ()):
                turned.setdefault(above, set()).update(files)
        return turned

    def _meant(self, name: str, packages: set[str]) -> set[str]:
        """The files of the module that a statement names, if a run imported it."""
        modules = self._kept.modules
        if not name.startswith("."):
            return modules.get(name, set())
        bare = name.lstrip(".")
        up = len(name) - len(bare) - 1
        found: set[str] = set()
        for package in packages:
            parts = package.split(".") if package else []
            whole = ".".join([*parts[: len(parts) - up], *([bare] if bare else [])])
            found |= modules.get(whole, set())
        return found


def _packages(file: str, names: Iterable[str]) -> set[str]:
    """The packages from which relative imports in a file start."""
    is_package = os.path.basename(file) == "__init__.py"
    return {name if is_package else name.rpartition(".")[0] for name in names}


def load(path: Path) -> Imports:
    """What earlier runs have recorded; nothing where the file is missing or spoilt."""
    try:
        return Imports(msgspec.json.decode(path.read_bytes(), type=_Kept))
    except (OSError, msgspec.DecodeError):
        return Imports()


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part."""
    other = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(data)
        os.replace(other, path)
    except OSError:
        other.unlink(missing_ok=True)
