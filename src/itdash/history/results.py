"""The newest result of each test that names requirements, from the journals of the last runs."""

from __future__ import annotations

import os
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from itdash.events.journal import SEGMENTS
from itdash.events.wire import decode
from itdash.history.places import every
from itdash.state import fold
from itdash.state.requirements import NO_RESULT, NOT_RUN, Claim, Owners, Result
from itdash.state.suites import SuiteNames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent, RequirementsDeclared, SuiteSpec
    from itdash.state.run import RunState

RUNS_READ = 20


class Recorded(NamedTuple):
    """What the runs say, newest first; `gone` counts tests whose file is no longer there."""

    claims: tuple[Claim, ...]
    runs: tuple[str, ...]
    gone: int


def newest(
    base: Path, root: str, suites: Sequence[SuiteSpec], declared: Sequence[RequirementsDeclared]
) -> Recorded:
    """A test's marks are those of the newest run that collected it; its result may be from an older one."""
    owners = Owners(root, suites, declared)
    marks: dict[str, tuple[str, tuple[str, ...]]] = {}
    results: dict[str, Result] = {}
    read: list[str] = []
    gone: set[str] = set()
    for folder in islice(every(base), RUNS_READ):
        state = fold.replay(_events(folder))
        read.append(folder.name)
        names = SuiteNames(root, suites)
        names.rootdir = state.names.rootdir
        for nodeid, case in state.cases.items():
            if nodeid not in marks:
                path = os.path.join(names.rootdir, case.file)
                ids = state.requirements.claims.get(nodeid, ())
                marks[nodeid] = (owners.of(path, names.of(nodeid)) if ids else "", ids)
                if ids and _is_gone(path, state):
                    gone.add(nodeid)
            if marks[nodeid][1] and nodeid not in results and case.outcome not in NO_RESULT:
                results[nodeid] = Result(nodeid, case.outcome, folder.name)
    claims = [
        Claim(suite, ids, results.get(nodeid, Result(nodeid, NOT_RUN)))
        for nodeid, (suite, ids) in marks.items()
        if ids and nodeid not in gone
    ]
    return Recorded(tuple(claims), tuple(read), len(gone))


def _events(folder: Path) -> list[AnyEvent]:
    """The lines of a run, without the operations that its probes recorded, which can be millions."""
    events: list[AnyEvent] = []
    for path in sorted((folder / SEGMENTS).glob("*.jsonl")):
        try:
            data = path.read_bytes()
        except OSError:
            continue  # the run was deleted a moment ago
        events += decode(data[: data.rfind(b"\n") + 1])[0]
    return sorted(events, key=attrgetter("t"))


def _is_gone(path: str, state: RunState) -> bool:
    """Whether a test's file was removed; a run that was recorded elsewhere says nothing of it."""
    return os.path.isdir(state.names.rootdir) and not os.path.exists(path)
