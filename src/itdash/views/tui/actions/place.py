"""Where a test stands in the files of the project."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from itdash.render.detail import frames
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from itdash.state.cases import Case
    from itdash.state.run import RunState


class _Entry(msgspec.Struct):
    path: str = ""
    lineno: int = 0


class _Trace(msgspec.Struct):
    traceback: list[_Entry] = []


_decoder = msgspec.json.Decoder(_Trace)


def rootdir(state: RunState, cwd: str) -> str:
    """The folder that node ids start at."""
    return state.names.rootdir or cwd


def file_of(nodeid: str, root: str) -> str:
    """The whole path of its file."""
    return os.path.normpath(os.path.join(root, nodeid.partition("::")[0]))


def line_of(case: Case | None, file: str, root: str) -> int:
    """The line, from 1, at which a test failed or was cut off in its own file, or at which it begins."""
    if case is None:
        return 1
    for report in last_attempt(case).values():
        if report.outcome != "failed":
            continue
        try:
            entries = _decoder.decode(report.detail).traceback
        except msgspec.DecodeError:
            continue
        for entry in reversed(entries):
            if entry.lineno > 0 and os.path.normpath(os.path.join(root, entry.path)) == file:
                return entry.lineno
    where = re.search(rf'File "{re.escape(file)}", line (\d+)', "\n".join(frames(case.stacks)))
    return int(where[1]) if where else max(case.line, 0) + 1
