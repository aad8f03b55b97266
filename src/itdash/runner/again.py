"""A request for tests that are known by their ids from a run before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.runner.command import Request
    from itdash.state.run import RunState


def of_tests(request: Request, ids: frozenset[str], state: RunState, cwd: Path) -> Request:
    """The request for these tests alone: their files are collected, under the same root, so that ids stay."""
    rootdir = state.names.rootdir or str(cwd)
    files = dict.fromkeys(id.partition("::")[0] for id in sorted(ids))
    paths = [os.path.join(rootdir, file) for file in files]
    if not all(os.path.exists(path) for path in paths):
        return replace(request, only=ids)
    inside = tuple(os.path.relpath(path, cwd) for path in paths)
    return replace(request, only=ids, paths=inside, extra=(*request.extra, f"--rootdir={rootdir}"))
