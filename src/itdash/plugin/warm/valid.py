"""Whether what was imported beforehand is still what a new process would import."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from typing import TYPE_CHECKING

from itdash.plugin.bytecode import distrust
from itdash.plugin.warm.places import Places, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.metadata import Distribution

    from itdash.plugin.warm.used import Used

_METADATA = (".dist-info", ".egg-info", ".egg-link", ".pth")
_CONFIGURATION = (
    "pyproject.toml",
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
)
_REWRITES = (b"pytest_plugins", b"register_assert_rewrite")
_GROWTH = 64 << 20


def rewritten() -> set[str]:
    """The packages in which pytest rewrites assertions: those that bring a plugin along."""
    from importlib.metadata import distributions

    found = set()
    for distribution in distributions():
        plugins = [point for point in distribution.entry_points if point.group == "pytest11"]
        if plugins:
            found |= {point.module.partition(".")[0] for point in plugins}
            found |= _tops(distribution)
    return found


def installed_from(root: str) -> set[str]:
    """The packages that were installed from the project's folder: copies, but its own all the same."""
    from importlib.metadata import distributions
    from urllib.parse import unquote, urlsplit

    found = set()
    below = os.path.realpath(root)
    for distribution in distributions():
        told = distribution.read_text("direct_url.json")
        if told:
            place = os.path.realpath(unquote(urlsplit(json.loads(told)["url"]).path))
            if os.path.commonpath((below, place)) == below:
                found |= _tops(distribution)
    return found


def _tops(distribution: Distribution) -> set[str]:
    return {file.parts[0].removesuffix(".py") for file in distribution.files or () if file.suffix == ".py"}


def plugins() -> set[str]:
    """The modules that pytest loads by itself, as it always did."""
    from importlib.metadata import entry_points

    return {point.module for point in entry_points(group="pytest11")}


def installation() -> object:
    """What is installed, as the folders and their metadata tell it."""
    told: list[object] = [_signature(os.path.realpath(sys.executable))]
    for folder in installed():
        told.append(_signature(folder))
        try:
            with os.scandir(folder) as entries:
                told += sorted((e.path, e.stat().st_mtime_ns) for e in entries if e.name.endswith(_METADATA))
        except OSError:
            continue
    return told


def shadows(used: Used, names: Iterable[str]) -> set[str]:
    """Which of these modules a file of the project would be imported in place of."""
    tops = {name.partition(".")[0] for name in names}
    found = set()
    for folder in {os.getcwd(), *used.folders}:
        try:
            with os.scandir(folder) as entries:
                found |= {_module(entry) for entry in entries} & tops
        except OSError:
            continue
    return found


class Validity:
    """Taken when all is imported; asked before each run."""

    def __init__(self, used: Used, root: str, added: list[str]) -> None:
        self._used, self._added, self._root = used, added, root
        self._files = dict.fromkeys(filter(None, map(_file, added)), (0, 0, 0))
        self._files = {file: _signature(file) for file in self._files}
        self._memory = _resident()
        self._looks: dict[str, Callable[[], object]] = {
            "installed packages changed": installation,
            "pytest's configuration changed": self._configuration,
            "the plugins that a conftest.py names changed": self._plugins,
            "the project has a module of the same name as one that was imported": lambda: shadows(
                used, added
            ),
        }
        self._before = [look() for look in self._looks.values()]

    def why_not(self, arguments: Sequence[str]) -> str:
        """What speaks against a run with these arguments of pytest; nothing if it may be."""
        for (word, look), before in zip(self._looks.items(), self._before, strict=True):
            if look() != before:
                return word
        for file, before in self._files.items():
            if _signature(file) != before:
                with suppress(OSError):  # a change of the same size may be in the second that Python knows of
                    distrust(file, cache_from_source(file))
                return f"{file} changed"
        if _resident() > self._memory + _GROWTH:
            return "the warm process grew"
        if any(word.startswith("--assert") for word in arguments):
            return "pytest is told how to treat assertions"
        named = _plugins_of(arguments) & (set(self._added) - set(self._used.rewritten))
        return f"pytest is told to take {min(named)} for a plugin" if named else ""

    def _configuration(self) -> object:
        folders = dict.fromkeys((self._root, os.getcwd()))
        return [_signature(os.path.join(folder, name)) for folder in folders for name in _CONFIGURATION]

    def _plugins(self) -> object:
        told = []
        for file in dict.fromkeys((*self._used.conftests, os.path.join(self._root, "conftest.py"))):
            try:
                with open(file, "rb") as handle:
                    data = handle.read()
            except OSError:
                continue
            if any(word in data for word in _REWRITES):
                told.append((file, data))
        return told


def _plugins_of(arguments: Iterable[str]) -> set[str]:
    """The modules that pytest's arguments and its variable name with `-p`."""
    found = set(os.environ.get("PYTEST_PLUGINS", "").split(","))
    before = ""
    for word in arguments:
        found.add(word if before == "-p" else word[2:].lstrip("= ") if word.startswith("-p") else "")
        before = word
    return found - {""}


def _module(entry: os.DirEntry[str]) -> str:
    """The module that a file or folder would be, if any."""
    stem, _, rest = entry.name.partition(".")
    return stem if rest.endswith(("py", "pyc", "so")) or (not rest and entry.is_dir()) else ""


def _file(name: str) -> str:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    file = spec.origin if spec is not None and isinstance(spec.origin, str) else ""
    return file if file.startswith(Places().installed) else ""


def _signature(file: str) -> tuple[int, int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb") as told:
            return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
