"""Compiled files of the project are believed only where they cannot be of another text than the source.

Python takes a compiled file for current when second and size of its source's last change are noted in it. A
source that is saved twice within a second at the same size passes for unchanged. Here a compiled file must
also have been written a while after the last change of its source; the file system's own time of change
tells that, which no tool sets back.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from typing import TYPE_CHECKING, Any

from itdash.plugin.warm.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

_LATER = 5_000_000_000
"""So long, in nanoseconds, no compilation takes from reading the source to writing the result."""

_stat, _open, _read, _close, _unlink = os.stat, os.open, os.read, os.close, os.unlink


def guard() -> None:
    """From now on, in this process, have the project's modules compiled anew where that is not certain."""
    places = Places()
    original: Callable[..., Any] = SourceFileLoader.path_stats
    if getattr(original, "__module__", "") == __name__:
        return

    def path_stats(loader: SourceFileLoader, path: str) -> Any:
        if places.own(path) and sys.implementation.cache_tag:
            distrust(path, cache_from_source(path))
        return original(loader, path)

    vars(path_stats)["__wrapped__"] = original
    SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign, assignment]
    _guard_rewritten(places)


def _guard_rewritten(places: Places) -> None:
    """pytest keeps compiled files of its own."""
    rewrite: Any = sys.modules.get("_pytest.assertion.rewrite")
    original = getattr(rewrite, "_read_pyc", None)
    if original is None:
        return

    def read_pyc(source: Any, pyc: Any, *rest: Any, **named: Any) -> Any:
        try:
            if places.own(str(source)):
                distrust(str(source), str(pyc))
        except OSError:
            return None
        return original(source, pyc, *rest, **named)

    rewrite._read_pyc = read_pyc


def distrust(source: str, compiled: str) -> None:
    """Remove a compiled file that may be of an older text; raises OSError where it cannot be removed."""
    try:
        written = _stat(compiled).st_mtime_ns
        changed = _stat(source)
    except OSError:
        return
    if written - max(changed.st_mtime_ns, changed.st_ctime_ns) > _LATER or _has_hash(compiled):
        return
    try:
        _unlink(compiled)
    except FileNotFoundError:
        pass


def _has_hash(compiled: str) -> bool:
    """Whether it is compared with the source's text anyway, or is to be taken as it is."""
    try:
        handle = _open(compiled, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return bool(_read(handle, 8)[4:5].strip(b"\0"))
    finally:
        _close(handle)
