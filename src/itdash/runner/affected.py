"""From files that changed to the files of tests that they concern, in their order, with reasons."""

from __future__ import annotations

import os
from collections import deque
from fnmatch import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from itdash.requirements.find import NAMES as REQUIREMENTS
from itdash.requirements.find import is_below
from itdash.runner.imports import ANYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itdash.runner.watch.contents import Change

_STEERING = frozenset({
    "pyproject.toml", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg",
    "itdash.toml",
})  # fmt: skip
_DOCUMENTS = (".md", ".rst", ".adoc", ".pyi", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf")
_DOCUMENT_NAMES = frozenset(
    {"LICENSE", "NOTICE", "AUTHORS", "CODEOWNERS", "Makefile", ".gitignore", ".editorconfig"}
)


class Known(NamedTuple):
    """What is known before a run: who imports each file, the test files in their order, those that failed.

    `patterns` are the names by which pytest knows a file of tests.
    """

    root: str
    importers: Mapping[str, Iterable[str]]
    tests: Sequence[str]
    failing: frozenset[str] = frozenset()
    patterns: Sequence[str] = ("test_*.py", "*_test.py")


class Reason(NamedTuple):
    """Why a change selects what it selects: `tests` counts files, and is negative where it is all of them."""

    path: str
    what: str
    tests: int


class Affected(NamedTuple):
    """Test files by how urgent they are: `changed` themselves, or `reached`; or `everything` is concerned."""

    changed: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    everything: bool = False
    reasons: tuple[Reason, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, the urgent ones first."""
        return (*self.changed, *self.reached)


def affected(changes: Sequence[Change], known: Known) -> Affected:
    """Which test files the changes concern; a doubt widens the answer."""
    search = _Search(known)
    reasons = [search.follow(change) for change in changes]
    order = {path: number for number, path in enumerate(known.tests)}
    last = len(order)
    changed = sorted(search.changed, key=lambda path: (order.get(path, last), path))
    reached = sorted(
        search.reached.keys() - search.changed,
        key=lambda path: (search.reached[path], order.get(path, last), path),
    )
    return Affected(tuple(changed), tuple(reached), search.everything, tuple(reasons))


def tiers(found: Affected, known: Known) -> tuple[tuple[str, ...], ...]:
    """The files in the order of their turns: those with failures, changed ones, reached ones."""
    first = tuple(path for path in known.tests if path in known.failing)
    done = set(first)
    changed = tuple(path for path in found.changed if path not in done)
    done |= set(changed)
    return first, changed, tuple(path for path in found.reached if path not in done)


class _Search:
    def __init__(self, known: Known) -> None:
        self._known, self._tests = known, set(known.tests)
        self.changed: set[str] = set()
        self.reached: dict[str, int] = {}  # with the number of imports in between
        self.everything = False

    def follow(self, change: Change) -> Reason:
        """Take one change in; why it selects what it selects."""
        path, name = change.path, os.path.basename(change.path)
        gone = not change.after
        if name in _STEERING:
            return self._all(path, "steers pytest")
        if name == "conftest.py":
            return self._conftest(path)
        if name.endswith(".py"):
            return self._test(path, gone) if self._is_test(path, name) else self._module(path, gone)
        if name in REQUIREMENTS:
            return Reason(path, "declares requirements", 0)
        return self._data(path, name)

    def _is_test(self, path: str, name: str) -> bool:
        return path in self._tests or any(
            fnmatch(path if "/" in pattern else name, pattern) for pattern in self._known.patterns
        )

    def _test(self, path: str, gone: bool) -> Reason:
        others = self._reach([path], skip=path)
        if gone:
            return Reason(path, "is gone", others)
        self.changed.add(path)
        what = "is a new file of tests" if path not in self._tests else "is a file of tests"
        return Reason(path, what, others + 1)

    def _conftest(self, path: str) -> Reason:
        return Reason(path, "concerns the tests below it", self._reach([path]))

    def _module(self, path: str, gone: bool) -> Reason:
        if path not in self._known.importers and not self._is_marker(path):
            if gone:
                return Reason(path, "is gone, and was imported by nothing", 0)
            return self._all(path, "was never seen to be imported, so anything may depend on it")
        found = self._reach([path])
        if self.everything and found < 0:
            return Reason(path, "is imported by pytest or a plugin", found)
        return Reason(path, "is imported" if found else "is imported by no test", found)

    def _is_marker(self, path: str) -> bool:
        """Whether it is the `__init__.py` of a folder of tests, which pytest imports by itself."""
        folder = os.path.dirname(path)
        return os.path.basename(path) == "__init__.py" and any(is_below(test, folder) for test in self._tests)

    def _data(self, path: str, name: str) -> Reason:
        """Who reads a file is not recorded: the tests around it, and those that reach a module around it."""
        folder = os.path.dirname(path)
        while not any(is_below(test, folder) for test in self._tests) and is_below(folder, self._known.root):
            if folder == self._known.root:
                break
            folder = os.path.dirname(folder)
        if folder == self._known.root or not is_below(folder, self._known.root):
            if name in _DOCUMENT_NAMES or name.endswith(_DOCUMENTS):
                return Reason(path, "is a document", 0)
            return self._all(path, "may be read by any test")
        modules = [file for file in self._known.importers if is_below(file, folder)]
        return Reason(path, "may be read by the tests around it", self._reach(modules, below=folder))

    def _all(self, path: str, what: str) -> Reason:
        self.everything = True
        return Reason(path, what, -1)

    def _reach(self, starts: Iterable[str], skip: str = "", below: str = "") -> int:
        """Follow who imports these files; how many files of tests that reaches, -1 for all of them."""
        found: set[str] = set()
        seen = dict.fromkeys(starts, 0)
        queue = deque(seen)
        if below:
            found |= {test for test in self._tests if is_below(test, below)}
        while queue:
            path = queue.popleft()
            name = os.path.basename(path)
            if name in ("conftest.py", "__init__.py"):
                folder = os.path.dirname(path)
                if name == "conftest.py" or self._is_marker(path):
                    found |= {test for test in self._tests if is_below(test, folder)}
            elif path in self._tests and path != skip:
                found.add(path)
                self.reached[path] = min(self.reached.get(path, seen[path]), seen[path])
            for importer in self._known.importers.get(path, ()):
                if importer == ANYWHERE:
                    if not self._is_collected(path):
                        self.everything = True
                        return -1
                elif importer not in seen:
                    seen[importer] = seen[path] + 1
                    queue.append(importer)
        for test in found:
            self.reached.setdefault(test, 1)
        return len(found)

    def _is_collected(self, path: str) -> bool:
        """Whether pytest imports this file by itself, to collect it or to have its fixtures."""
        name = os.path.basename(path)
        return name == "conftest.py" or self._is_test(path, name) or self._is_marker(path)
