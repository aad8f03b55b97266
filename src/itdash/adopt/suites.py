"""Suites that cover a project's tests: one for each folder of tests, with groups of the marks they use."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.adopt.folders import Project, TestFile
    from itdash.config import Config

_MOST: Final = 12
_INTEGRATION: Final = re.compile(
    r"integration|e2e|end_?to_?end|functional|acceptance|system|contract|scenario"
)


class Suite(NamedTuple):
    """A suite to be declared: its name, its folder or file, its groups, and the tests that belong to it."""

    name: str
    path: str
    groups: tuple[str, ...]
    files: tuple[TestFile, ...]


def suites(project: Project) -> list[Suite]:
    """The suites, those of integration tests first; together they have every test file."""
    places = _places(project)
    owned = _owned(project.files, places)
    found = [
        Suite(name, place, _groups(project.told.markers, owned[place]), tuple(owned[place]))
        for place, name in _names(project, [place for place in places if owned[place]]).items()
    ]
    return sorted(found, key=lambda suite: not _INTEGRATION.search(suite.path.lower()))


def declared(project: Project, config: Config) -> list[Suite]:
    """The suites of a configuration, one for each of their paths, with the test files below it."""
    places = {os.path.normpath(path): suite.name for suite in config.suites for path in suite.paths}
    owned = _owned(project.files, list(places))
    return [Suite(name, place, (), tuple(owned[place])) for place, name in places.items()]


def outside(project: Project, paths: Sequence[str]) -> list[str]:
    """The test files that are in none of these paths, from the project's folder on."""
    places = [os.path.normpath(path) for path in paths]
    return [file.path for file in project.files if not any(_holds(place, file.path) for place in places)]


def _owned(files: Sequence[TestFile], places: Sequence[str]) -> dict[str, list[TestFile]]:
    """The files of each place; one that is below several belongs to the deepest."""
    owned: dict[str, list[TestFile]] = {place: [] for place in places}
    for file in files:
        owner = max((place for place in places if _holds(place, file.path)), key=_depth, default=None)
        if owner is not None:
            owned[owner].append(file)
    return owned


def _depth(place: str) -> int:
    return 0 if place == os.curdir else len(place)


def _holds(place: str, path: str) -> bool:
    return place in (os.curdir, path) or path.startswith(f"{place}{os.sep}")


def _places(project: Project) -> list[str]:
    starts = project.starts() or _tops(project.files)
    return list(dict.fromkeys(place for start in starts for place in _split(start, project.files)))


def _tops(files: Sequence[TestFile]) -> list[str]:
    """The project's folder where tests lie in it, and of each part below it the deepest that has all."""
    parts: dict[str, list[str]] = {}
    for file in files:
        parts.setdefault(file.path.partition(os.sep)[0] if os.sep in file.path else "", []).append(
            file.folder
        )
    return [os.path.commonpath(folders) if top else os.curdir for top, folders in sorted(parts.items())]


def _split(start: str, files: Sequence[TestFile]) -> list[str]:
    """A folder, or the folders in it, and itself beside them where tests lie in it."""
    if start == os.curdir:
        return [start]
    inside = [file for file in files if _holds(start, file.path)]
    children = dict.fromkeys(
        os.path.join(start, os.path.relpath(file.path, start).partition(os.sep)[0])
        for file in inside
        if start not in (file.folder, file.path)
    )
    if not 1 < len(children) <= _MOST:
        return [start]
    direct = any(file.folder == start for file in inside)
    return [start, *children] if direct else list(children)


def _names(project: Project, places: Sequence[str]) -> dict[str, str]:
    """A short name for each place, a longer one where two have the same."""
    short = {place: _name(project, os.path.basename(place)) for place in places}
    shorts = list(short.values())
    named: dict[str, str] = {}
    for place, name in short.items():
        chosen = name if shorts.count(name) == 1 else _name(project, place.replace(os.sep, "-"))
        while chosen in named.values():
            chosen += "-2"
        named[place] = chosen
    return named


def _name(project: Project, text: str) -> str:
    bare = text.removesuffix(".py")
    return (project.root.name or "tests") if bare == os.curdir else bare


def _groups(markers: Sequence[str], files: Sequence[TestFile]) -> tuple[str, ...]:
    used = frozenset[str]().union(*(file.source.marks for file in files))
    return tuple(mark for mark in markers if mark in used)
