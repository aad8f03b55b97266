"""What became of one test in the runs that are kept; a summary is searched for it and not decoded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from itdash.events.journal import runs
from itdash.history.places import every

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS_READ: Final = 20
_HEAD: Final = 1_000
_CASE: Final = 200_000
_STARTED: Final = re.compile(rb'"started":([0-9.eE+]+)')
_decoder = json.JSONDecoder()


class Past(NamedTuple):
    """A test in one run, which began `started` seconds after 1970; its duration is in nanoseconds."""

    run: str
    started: float
    outcome: str
    duration: int
    attempts: int


def of_test(folder: Path, nodeid: str) -> Iterator[Past]:
    """The runs below `folder` that know the test, newest first; one summary is read for each step.

    Those that had to go elsewhere than to a project's folder of runs are among them.
    """
    for number, run in enumerate(every(folder.parent) if folder.name == "runs" else runs(folder)):
        if number == RUNS_READ:
            return
        found = _in_run(run, nodeid)
        if found is not None:
            yield found


def _in_run(run: Path, nodeid: str) -> Past | None:
    try:
        data = (run / "summary.json").read_bytes()
        case = _case(data, nodeid)
    except (OSError, ValueError):
        return None  # it goes on still, was deleted a moment ago, or is no summary
    if case is None or case.get("outcome") in (None, "not run"):
        return None
    started = _STARTED.search(data, 0, _HEAD)
    seconds, attempts = case.get("duration"), case.get("attempts")
    return Past(
        run.name,
        float(started[1]) if started else 0.0,
        str(case["outcome"]),
        int(seconds * 1e9) if isinstance(seconds, int | float) else 0,
        attempts if isinstance(attempts, int) else 0,
    )


def _case(data: bytes, nodeid: str) -> dict[str, Any] | None:
    """The test's own object; a requirement names tests too, but with no suite after the id."""
    start = data.find(b'{"id":' + msgspec.json.encode(nodeid) + b',"suite":')
    if start < 0:
        return None
    found, _ = _decoder.raw_decode(data[start : start + _CASE].decode("utf-8", "replace"))
    return found if isinstance(found, dict) else None
