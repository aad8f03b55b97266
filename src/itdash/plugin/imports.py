"""Records which file of the project imports which, as it happens, where a run was asked to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from itdash.orders import Imported

if TYPE_CHECKING:
    from collections.abc import Generator

    from itdash.orders import Assignment

# A test may patch any of these.
_encode, _open, _write, _close, _replace, _makedirs, _getpid = (
    msgspec.json.encode, os.open, os.write, os.close, os.replace, os.makedirs, os.getpid,
)  # fmt: skip
_getframe, _STANDARD, _modules = sys._getframe, sys.stdlib_module_names, sys.modules
_MACHINERY = "<frozen importlib"


class Finder:
    """Stands before all finders, finds nothing, and notes who asks for a module for the first time."""

    def __init__(self, places: tuple[str, ...]) -> None:
        self._places = tuple(f"{place.rstrip(os.sep)}{os.sep}" for place in places)
        self._own: dict[str, bool] = {}
        self.first: dict[str, tuple[str, bool]] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Note the file that imports, and whether it does so through code that is not the project's."""
        if fullname not in self.first and fullname.partition(".")[0] not in _STANDARD:
            self.first[fullname] = self._importer()

    def is_own(self, file: str) -> bool:
        """Whether a file belongs to the project, and not to an environment inside of it."""
        known = self._own.get(file)
        if known is None:
            known = file.endswith(".py") and file.startswith(self._places) and not _is_installed(file)
            self._own[file] = known
        return known

    def _importer(self) -> tuple[str, bool]:
        frame: Any = _getframe(2)
        dynamic = False
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith(_MACHINERY):
                if self.is_own(file):
                    return file, dynamic
                dynamic = True
            frame = frame.f_back
        return "", dynamic


class ImportRecorder:
    """Writes what the finder noted, when all tests are known and when the last one is over."""

    def __init__(self, config: pytest.Config, assignment: Assignment, finder: Finder) -> None:
        self._finder, self._pid = finder, _getpid()
        self._patterns = tuple(map(str, config.getini("python_files")))
        self._file = f"{assignment.folder}/imports/{assignment.segment}.json"
        self._real: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """A process that crashes in a test has written this much."""
        self._write()

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Tests and fixtures have imported what they import."""
        try:
            return (yield)
        finally:
            self._write()

    def _write(self) -> None:
        if _getpid() != self._pid:
            return  # a test forked, and its child came back to us
        modules = {name: file for name, module in list(_modules.items()) if (file := self._file_of(module))}
        first = [
            (name, self._resolved(by), how)
            for name, (by, how) in self._finder.first.items()
            if name in modules
        ]
        try:
            _makedirs(os.path.dirname(self._file), exist_ok=True)
            fd = _open(f"{self._file}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                data = memoryview(_encode(Imported(modules, tuple(first), self._patterns)))
                while data:
                    data = data[_write(fd, data) :]
            finally:
                _close(fd)
            _replace(f"{self._file}.tmp", self._file)
        except OSError:
            return  # the next run records it again

    def _file_of(self, module: object) -> str:
        """The project's file that a module was made from; a lazy module must not be woken."""
        try:
            file = object.__getattribute__(module, "__dict__").get("__file__")
        except AttributeError:
            return ""
        return self._resolved(file) if isinstance(file, str) and self._finder.is_own(file) else ""

    def _resolved(self, file: str) -> str:
        if not file:
            return ""
        known = self._real.get(file)
        if known is None:
            known = self._real[file] = os.path.realpath(file)
        return known


def begin(places: tuple[str, ...]) -> Finder:
    """Note imports from now on: before any file of the project is imported."""
    for finder in sys.meta_path:
        if isinstance(finder, Finder):
            return finder
    finder = Finder(places)
    meta_path: list[Any] = sys.meta_path
    meta_path.insert(0, finder)
    return finder


def _is_installed(file: str) -> bool:
    prefix = sys.prefix
    return "/site-packages/" in file or (prefix != sys.base_prefix and file.startswith(f"{prefix}/"))
