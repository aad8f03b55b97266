"""The files that make a project known: their text, the difference they make, and how they are written."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from itdash.adopt.ids import Named, key
from itdash.adopt.suites import Suite, suites
from itdash.errors import INTERNAL_ERROR, ItdashError
from itdash.requirements.find import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO
    from pathlib import Path

    from itdash.adopt.folders import Project

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OTHERS = ("--doctest-modules", "--doctest-glob", "--pyargs")


class CannotWrite(ItdashError):
    """A file cannot be written."""

    exit_code = INTERNAL_ERROR


class Change(NamedTuple):
    """A file as it is, and what is put to its end; a file that is not there yet is empty and `new`."""

    path: Path
    before: str
    added: str
    new: bool


def configuration(project: Project) -> Change:
    """`[tool.itdash]` at the end of pyproject.toml; an itdash.toml where nothing can be put there."""
    found = suites(project) if covers_all(project) else []
    shared = project.root / "pyproject.toml"
    if shared.is_file():
        before = _text(shared)
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        added = gap + _table(found, "tool.itdash")
        if "\r\n" in before:
            added = added.replace("\n", "\r\n")
        if _holds_our_table(before + added):
            return Change(shared, before, added, False)
    return Change(project.root / "itdash.toml", "", _table(found, ""), True)


def requirements(project: Project, among: Sequence[Suite]) -> tuple[list[Change], list[str]]:
    """A requirements.toml beside each suite whose tests name ids; and the files that are there already."""
    made: list[Change] = []
    there: list[str] = []
    for suite in among:
        rows = _rows(suite)
        place = project.root / suite.path
        folder = place if place.is_dir() else place.parent
        existing = next((folder / name for name in NAMES if (folder / name).exists()), None)
        if rows and existing is not None:
            there.append(os.path.relpath(existing, project.root))
        elif rows and all(change.path.parent != folder for change in made):
            made.append(Change(folder / NAMES[0], "", "".join(rows), True))
    return made, there


def difference(change: Change, root: Path) -> list[str]:
    """The lines of a unified diff."""
    name = os.path.relpath(change.path, root)
    after = change.before + change.added
    lines = difflib.unified_diff(
        change.before.splitlines(), after.splitlines(),
        "/dev/null" if change.new else f"a/{name}", f"b/{name}", lineterm="",
    )  # fmt: skip
    return list(lines)


def write(change: Change) -> None:
    """Write it whole or not at all, and only if the file is still what the difference was made from."""
    try:
        if not change.new and _text(change.path) != change.before:
            raise CannotWrite(
                "this file has changed meanwhile", where=str(change.path), mend="`itdash init` again"
            )
        with open(change.path, "xb" if change.new else "ab", buffering=0) as handle:
            _append(handle, change.added.encode())
    except OSError as error:
        raise CannotWrite(
            f"this file cannot be written: {error.strerror or error}",
            where=str(change.path),
            mend="give yourself the right to write there, and make room",
        ) from None


def _append(handle: FileIO, data: bytes) -> None:
    """Half a table would be a broken file: where there is no room it is taken back."""
    size = handle.tell()
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[handle.write(rest) :]
    except OSError:
        handle.truncate(size)
        raise


def _text(path: Path) -> str:
    with open(path, encoding="utf-8", newline="") as handle:
        return handle.read()


def covers_all(project: Project) -> bool:
    """Whether suites would have all tests: pytest may also take some from where no test file is."""
    arguments = " ".join(project.told.arguments)
    return not any(option in arguments for option in _OTHERS)


def _holds_our_table(text: str) -> bool:
    """Whether the text is TOML with our table; a file may write its tools as one value, which is closed."""
    import tomllib

    try:
        return "itdash" in tomllib.loads(text.replace("\r\n", "\n"))["tool"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return False


def _table(found: Sequence[Suite], heading: str) -> str:
    about = "# `itdash config` tells every key."
    if found:
        about += " What runs are the suites: a new folder of tests needs to be in one."
    lines = [f"[{heading}]", about] if heading else [about]
    for suite in found:
        name = ".".join([*([heading] if heading else []), "suites", _key(suite.name)])
        lines += ["", f"[{name}]", f"paths = [{_quoted(suite.path)}]"]
        if suite.groups:
            groups = ", ".join(f"{_key(mark)} = {_quoted(f'mark:{mark}')}" for mark in suite.groups)
            lines.append(f"groups = {{ {groups} }}")
    return "\n".join(lines) + "\n"


def _rows(suite: Suite) -> list[str]:
    """Each id once, in the order in which they would be counted, with the place that names it."""
    best: dict[str, tuple[Named, str]] = {}
    for file in suite.files:
        for named in file.source.ids:
            known = best.get(key(named.id))
            if known is None or named.marked > known[0].marked:
                best[key(named.id)] = (named, file.path)
    if not best:
        return []
    head = [
        '# What the system must do. A test says what it verifies with @pytest.mark.requirement("ID").\n',
    ]
    for named, path in sorted(best.values(), key=lambda found: _counted(found[0].id)):
        head.append(f"\n[[requirement]]  # {path}:{named.line}\nid = {_quoted(named.id)}\n")
        if named.title:
            head.append(f"title = {_quoted(named.title)}\n")
    return head


def _counted(id: str) -> list[tuple[int, int, str]]:
    """`4.10` comes after `4.9`."""
    parts = re.split(r"(\d+)", id)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A text of TOML: JSON's are the same, but for DEL and what UTF-8 cannot carry."""
    import json

    plain = text.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
