"""A run made into a record: from its state, from its folder, or from a `summary.json` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from itdash.errors import ItdashError
from itdash.events import model
from itdash.events.journal import SEGMENTS, replay
from itdash.events.wire import decode
from itdash.history.record import UNFINISHED, Budget, Head, Operation, Owned, Record, Test, name_of
from itdash.measure.latency import Histogram
from itdash.state import fold, queries
from itdash.state.gate import suite_verdicts
from itdash.state.requirements import of_run

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.events.model import AnyEvent
    from itdash.state.run import RunState

SUMMARY: Final = "summary.json"
_HEAD: Final = 1 << 16
_SUITE: Final = "suite "


class NoRecord(ItdashError):
    """A file or a folder that should be a run and is none."""


# -- from the state --


def of_state(state: RunState, name: str) -> Record:
    """The record of a run that is over, or that was cut off."""
    root = state.run.root if state.run else ""
    rootdir = state.names.rootdir

    def named(nodeid: str) -> str:
        return name_of(nodeid, rootdir, root)

    tests = {
        named(nodeid): Test(case.outcome or "not run", case.attempts, case.duration)
        for nodeid, case in state.cases.items()
    }
    operations = {
        title: Operation(one.total.count, one.total.errors, one.total.peak, one.total.latency)
        for title, one in state.operations.operations.items()
    }
    budgets = {
        Owned(named(state.ids.get(event.case, str(event.case))), event.operation, event.limit):
        Budget(event.verdict, event.margin)
        for event in state.operations.budgets.values()
    }  # fmt: skip
    for suite, verdict in suite_verdicts(state):
        key = Owned(_SUITE + suite, verdict.operation, verdict.budget)
        budgets[key] = Budget(verdict.outcome, verdict.margin)
    requirements = {
        (suite.suite, line.row.id): line.status
        for suite in of_run(state)
        for line in suite.lines
        if line.leaf
    }
    return Record(_head(state, name), tests, operations, budgets, requirements)


def _head(state: RunState, name: str) -> Head:
    run, end = state.run, state.finished
    head = Head(
        name, duration=end.t if end else state.t, verdict=end.verdict if end else UNFINISHED,
        exit_code=end.exit_code if end else None, counts=queries.outcomes(state),
    )  # fmt: skip
    sessions = list(state.sessions.values())
    processes = list(state.processes.values())
    return _with_start(head, run, sessions, processes)


def _with_start(
    head: Head,
    run: model.RunStarted | None,
    sessions: list[model.SessionStarted],
    processes: list[model.ProcessStarted],
) -> Head:
    """The head with what the first events of a journal tell."""
    known: dict[str, Any] = {}
    if run is not None:
        known = {
            "started": run.started, "commit": run.commit, "branch": run.branch, "clean": run.clean,
            "machine": run.machine or run.platform, "python": run.python, "root": run.root,
            "command": run.command[1:],
        }  # fmt: skip
    known["pytest"] = sessions[0].pytest if sessions else ""
    known["workers"] = len({session.worker for session in sessions if session.worker})
    known["asked"] = processes[0].argv if processes else ()
    return msgspec.structs.replace(head, **known)


# -- from a file --


class _Case(msgspec.Struct):
    id: str
    outcome: str
    attempts: int = 1
    duration: float = 0.0


class _Operation(msgspec.Struct):
    name: str
    count: int
    errors: int
    peak: int
    histogram: list[int]


class _Budget(msgspec.Struct):
    operation: str
    budget: str
    verdict: str
    margin: float | None = None
    case: str = ""
    suite: str = ""


class _Requirement(msgspec.Struct):
    suite: str
    id: str
    status: str
    parent: str = ""
    leaves: int = 0


class _Summary(msgspec.Struct):
    """What is read of a `summary.json`; what an older one does not have is empty."""

    run: str
    started: float
    duration: float
    verdict: str
    cases: list[_Case]
    exit_code: int | None = None
    root: str = ""
    outcomes: dict[str, int] = {}
    operations: list[_Operation] = []
    budgets: list[_Budget] = []
    suite_budgets: list[_Budget] = []
    requirements: list[_Requirement] = []


_decoder = msgspec.json.Decoder(_Summary)


def of_folder(folder: Path) -> Record:
    """The record of a run by its summary, or by its journal where it came to no summary."""
    try:
        summary = _decoder.decode((folder / SUMMARY).read_bytes())
        return _of_summary(summary, folder.name, _first_events(folder))
    except (OSError, msgspec.DecodeError, ValueError, OverflowError):
        return of_state(_replayed(folder), folder.name)


def of_file(path: Path) -> Record:
    """The record that a `summary.json` makes; NoRecord where it is none."""
    try:
        summary = _decoder.decode(path.read_bytes())
        return _of_summary(summary, summary.run or path.name, [])
    except OSError as error:
        raise NoRecord(f"this file cannot be read: {error.strerror}", where=str(path)) from None
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise NoRecord(
            f"this is no summary of a run: {error}", where=str(path),
            mend="give a summary.json, or the folder of a run",
        ) from None  # fmt: skip


def _replayed(folder: Path) -> RunState:
    """The state of a journal, as far as it can be read."""
    try:
        return fold.replay(replay(folder)[0])
    except Exception:  # whatever damage makes of an event: such a run is listed, and no more
        return fold.replay(_first_events(folder))


def _first_events(folder: Path) -> list[AnyEvent]:
    """How the journal of each process begins."""
    events: list[AnyEvent] = []
    for path in sorted((folder / SEGMENTS).glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                data = file.read(_HEAD)
        except OSError:
            continue
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        events += decode(b"".join(line for line in lines if _tells(line)))[0]
    return events


def _tells(line: bytes) -> bool:
    return line.startswith(
        (b'{"kind":"RunStarted"', b'{"kind":"SessionStarted"', b'{"kind":"ProcessStarted"')
    )


def _of_summary(summary: _Summary, name: str, events: list[AnyEvent]) -> Record:
    run = next((event for event in events if isinstance(event, model.RunStarted)), None)
    sessions = [event for event in events if isinstance(event, model.SessionStarted)]
    processes = [event for event in events if isinstance(event, model.ProcessStarted)]
    root, rootdir = run.root if run else "", summary.root

    def named(nodeid: str) -> str:
        return name_of(nodeid, rootdir, root)

    parents = {(line.suite, line.parent) for line in summary.requirements}
    head = Head(
        name, summary.started, round(summary.duration * 1e9),
        summary.verdict if summary.exit_code is not None else UNFINISHED, summary.exit_code,
        counts=summary.outcomes,
    )  # fmt: skip
    return Record(
        _with_start(head, run, sessions, processes) if run else head,
        {
            named(case.id): Test(case.outcome, case.attempts, round(case.duration * 1e9))
            for case in summary.cases
        },
        {
            one.name: Operation(one.count, one.errors, one.peak, Histogram.from_wire(one.histogram))
            for one in summary.operations
        },
        {
            Owned(_SUITE + one.suite if one.suite else named(one.case), one.operation, one.budget):
            Budget(one.verdict, one.margin)
            for one in (*summary.budgets, *summary.suite_budgets)
        },
        {
            (line.suite, line.id): line.status
            for line in summary.requirements
            if line.leaves and (line.suite, line.id) not in parents
        },
    )  # fmt: skip
