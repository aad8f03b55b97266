"""What a run imported, and what it changed before: noted at its end, read when the next one is prepared."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from itdash.plugin.warm.places import Places, notes

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 20_000
_OF_PYTEST = ("PYTEST_", "ITDASH_")

# Held from the start: a test may have put something else in their places.
_open, _write, _close, _replace, _makedirs = os.open, os.write, os.close, os.replace, os.makedirs
_getpid, _fspath = os.getpid, os.fspath


class Used(NamedTuple):
    """Of earlier runs: modules in their order, those rewritten by pytest or replaced by tests, and more."""

    modules: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    conftests: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class Noting:
    """Made when a run begins; writes at its end what it used."""

    def __init__(self, folder: str) -> None:
        self._folder, self._pid = folder, _getpid()
        self._environment = dict(os.environ)

    def write(self) -> None:
        """Keep what was used; what cannot be kept is not missed."""
        try:
            if _getpid() == self._pid:
                place = notes(self._folder)
                before = read(place)
                now = merged(self._look(), before)
                if any(set(new) ^ set(old) for new, old in zip(now, before, strict=True)):
                    _save(place, now)
        except Exception:
            pass  # a test changed the world so much that nothing can be told of it

    def _look(self) -> Used:
        places = Places()
        modules: list[str] = []
        rewritten: list[str] = []
        replaced: list[str] = []
        conftests: list[str] = []
        for name, module in tuple(sys.modules.items()):
            spec = getattr(module, "__spec__", None)
            if spec is None or spec.name != name:
                replaced += [name] if name != "__main__" and "." not in name else []
                continue
            file = spec.origin if isinstance(spec.origin, str) else ""
            if type(spec.loader).__name__ == "AssertionRewritingHook":
                conftests += [file] if name.rpartition(".")[2] == "conftest" else []
                if places.foreign(file):
                    otherwise = spec.loader.config.getini("enable_assertion_pass_hook")
                    (replaced if otherwise else rewritten).append(name)
                    modules.append(name)
            elif file in ("built-in", "frozen") or not file or places.foreign(file):
                modules.append(name)
        folders = [path for path in sys.path if path and places.own(path + os.sep)]
        after = dict(os.environ)
        changed = [
            name
            for name in {**self._environment, **after}
            if after.get(name) != self._environment.get(name) and not name.startswith(_OF_PYTEST)
        ]
        return Used(*(tuple(texts) for texts in (modules, rewritten, replaced, folders, conftests, changed)))


def merged(now: Used, before: Used) -> Used:
    """This run's, and then what only earlier runs had: the next may be any of them."""
    newer = set(now.modules)
    before = before._replace(rewritten=tuple(name for name in before.rewritten if name not in newer))
    return Used(*(tuple(dict.fromkeys((*new, *old)))[:_MOST] for new, old in zip(now, before, strict=True)))


def _save(place: str, used: Used) -> None:
    lines = [
        f"{field}\t{text}" for field, texts in used._asdict().items() for text in texts if _is_line(text)
    ]
    save(os.path.join(place, "used"), lines)


def _is_line(text: str) -> bool:
    return not {"\n", "\t", "\r"} & set(text)


def save(file: str, lines: Iterable[str]) -> None:
    """Write lines so that a reader finds all of them or those before."""
    _makedirs(os.path.dirname(file), exist_ok=True)
    new = f"{file}.{_getpid()}"
    handle = _open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        while data:
            data = data[_write(handle, data) :]
    finally:
        _close(handle)
    _replace(new, file)


def rows(file: str) -> list[list[str]]:
    """The lines of a file of notes, cut at their tabs; none where it cannot be read."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape", newline="\n") as handle:
            return [line.rstrip("\n").split("\t") for line in handle]
    except OSError:
        return []


def read(place: str) -> Used:
    """What earlier runs used; nothing before the first."""
    found: dict[str, list[str]] = {field: [] for field in Used._fields}
    for row in rows(os.path.join(place, "used")):
        if len(row) == 2 and row[0] in found:
            found[row[0]].append(row[1])
    return Used(*(tuple(found[field]) for field in Used._fields))
