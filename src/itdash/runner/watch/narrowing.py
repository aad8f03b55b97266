"""A request made smaller: some files of those that it is about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from itdash.requirements.find import is_below

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.config import Config
    from itdash.runner.command import Request


class Scope(NamedTuple):
    """What the user asked for, and where."""

    request: Request
    config: Config
    root: Path
    cwd: Path

    def narrowed(self, files: Sequence[str], only: frozenset[str] | None, rootdir: str) -> Request | None:
        """The request for these files alone, in this order; nothing if it is about none of them."""
        request = self.request
        asked = [(_real(self.cwd, path.partition("::")[0]), path) for path in request.paths]
        places = [place for place, _ in asked] or self._suites()
        paths: dict[str, None] = {}
        for file in files:
            inside = [path for place, path in asked if place == file and "::" in path]
            if inside and not any(place == file and "::" not in path for place, path in asked):
                paths.update(dict.fromkeys(inside))
            elif not places or any(is_below(file, place) for place in places):
                paths[os.path.relpath(file, os.path.realpath(self.cwd))] = None
        if not paths:
            return None
        root = (f"--rootdir={rootdir}",) if rootdir else ()
        limits = [ids for ids in (only, request.only) if ids is not None]
        ids = frozenset.intersection(*limits) if limits else None
        return replace(request, paths=tuple(paths), only=ids, extra=(*request.extra, *root))

    def _suites(self) -> list[str]:
        wanted = self.request.suites
        chosen = [suite for suite in self.config.suites if suite.name in wanted or not wanted]
        return [_real(self.root, path) for suite in chosen for path in suite.paths]


def _real(folder: Path, path: str) -> str:
    return os.path.realpath(os.path.join(folder, path))
