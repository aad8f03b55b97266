"""What failed when each test last ran."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from itdash.history.places import every
from itdash.state.cases import FAILING

if TYPE_CHECKING:
    from pathlib import Path

_RUNS_READ = 20


class _Case(msgspec.Struct):
    id: str
    outcome: str


class _Summary(msgspec.Struct):
    cases: list[_Case]
    root: str = ""


def last_failed(base: Path) -> frozenset[str] | None:
    """The tests whose newest result is a failure; none if there is no such test, so that all are run.

    Each is told by its place, an absolute path with what follows it in its id: ids alone depend on the folder
    that pytest takes for its root.
    """
    decoder = msgspec.json.Decoder(_Summary)
    newest: dict[str, str] = {}
    for folder in islice(every(base), _RUNS_READ):
        try:
            summary = decoder.decode((folder / "summary.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
        for case in summary.cases:
            if case.outcome not in ("not run", "interrupted"):
                newest.setdefault(_place(summary.root, case.id), case.outcome)
    return frozenset(place for place, outcome in newest.items() if outcome in FAILING) or None


def _place(root: str, nodeid: str) -> str:
    file, mark, rest = nodeid.partition("::")
    return os.path.normpath(os.path.join(root, file)) + mark + rest
