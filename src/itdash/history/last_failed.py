"""What failed when each test last ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from itdash.events.journal import runs
from itdash.state.cases import FAILING

if TYPE_CHECKING:
    from pathlib import Path

_RUNS_READ = 20


class _Case(msgspec.Struct):
    id: str
    outcome: str


class _Summary(msgspec.Struct):
    cases: list[_Case]


def last_failed(base: Path) -> frozenset[str] | None:
    """The tests whose newest result is a failure; none if there is no such test, so that all are run."""
    decoder = msgspec.json.Decoder(_Summary)
    newest: dict[str, str] = {}
    for number, folder in enumerate(runs(base / "runs")):
        if number == _RUNS_READ:
            break
        try:
            summary = decoder.decode((folder / "summary.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
        for case in summary.cases:
            if case.outcome not in ("not run", "interrupted"):
                newest.setdefault(case.id, case.outcome)
    return frozenset(nodeid for nodeid, outcome in newest.items() if outcome in FAILING) or None
