"""A recorded run by suites and tests, each test with what is known of it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render import counts, words
from itdash.render.document.peaks import peaks
from itdash.render.requirements import share, total
from itdash.state import queries
from itdash.state.gate import suite_verdicts
from itdash.state.requirements import of_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.events.model import AnyEvent, BudgetJudged
    from itdash.state.cases import Case
    from itdash.state.comparison import Comparison
    from itdash.state.lanes import Lanes
    from itdash.state.operations import CaseTally
    from itdash.state.requirements import SuiteMatrix
    from itdash.state.run import RunState

UNFINISHED = "unfinished"

SECTIONS: Final = (
    "overview", "changes", "suites", "performance", "requirements", "failures", "resources", "environment",
)  # fmt: skip
"""The parts of a document for readers, in their order."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What the journal of a run tells; `unread` counts the lines that could not be read.

    `changes` is what differs from the baseline, where there is one.
    """

    name: str
    state: RunState
    lanes: Lanes
    events: Sequence[AnyEvent] = ()
    bytes: int = 0
    unread: int = 0
    changes: Comparison | None = None

    @cached_property
    def suites(self) -> list[Suite]:
        """Every suite of which a test was collected."""
        return _suites(self)

    @cached_property
    def matrices(self) -> list[SuiteMatrix]:
        """Requirements and tests of every suite that has any."""
        return of_run(self.state)


class Share(NamedTuple):
    """An operation during one test; a peak of 0 is not known."""

    name: str
    tally: CaseTally
    peak: int


class Test(NamedTuple):
    """A test with what it claims and what was measured in it."""

    case: Case
    outcome: str
    requirements: tuple[str, ...]
    operations: tuple[Share, ...]
    budgets: tuple[BudgetJudged, ...]


class Suite(NamedTuple):
    """A suite and its tests in the order of collection."""

    name: str
    title: str
    tests: tuple[Test, ...]

    @property
    def outcomes(self) -> dict[str, int]:
        """How many tests have each outcome, the bad ones first."""
        found: dict[str, int] = {}
        for test in sorted(self.tests, key=lambda test: not test.case.failing):
            found[test.outcome] = found.get(test.outcome, 0) + 1
        return found

    @property
    def duration(self) -> int:
        """Nanoseconds that its tests took together."""
        return sum(test.case.duration for test in self.tests)


def _suites(recording: Recording) -> list[Suite]:
    state = recording.state
    operations = _operations(recording)
    budgets: dict[str, dict[tuple[str, str], BudgetJudged]] = {}
    for event in state.operations.budgets.values():
        of_test = budgets.setdefault(state.ids.get(event.case, ""), {})
        of_test[event.operation, event.limit] = event
    running = {one.id for one in state.running.values()}
    found: dict[str, list[Test]] = {}
    claims = state.requirements.claims
    for nodeid, case in state.cases.items():
        outcome = case.outcome or (UNFINISHED if nodeid in running else "not run")
        test = Test(
            case, outcome, claims.get(nodeid, ()), tuple(operations.get(nodeid, ())),
            tuple(budgets.get(nodeid, {}).values()),
        )  # fmt: skip
        found.setdefault(case.suite, []).append(test)
    return [Suite(name, state.names.titles.get(name, name), tuple(tests)) for name, tests in found.items()]


def _operations(recording: Recording) -> dict[str, list[Share]]:
    """The operations of each test by its id; of a test that ran twice those of its last turn."""
    state, found = recording.state, dict[str, list[Share]]()
    known = peaks(recording.events, recording.lanes, state.operations.records)
    for name, operation in sorted(state.operations.operations.items()):
        last = {state.ids.get(number, ""): (number, tally) for number, tally in operation.cases.items()}
        for nodeid, (number, tally) in last.items():
            found.setdefault(nodeid, []).append(Share(name, tally, known.get((number, name), 0)))
    return found


# -- the run in words --


def project(state: RunState) -> str:
    """The name of the project's folder."""
    return os.path.basename(state.run.root.rstrip("/")) if state.run else ""


def verdict(state: RunState) -> str:
    """The verdict; a recording without an end has none."""
    return state.finished.verdict if state.finished else UNFINISHED


def took(ns: int) -> str:
    """A duration."""
    return words.seconds(ns)


def headline(state: RunState) -> tuple[str, str]:
    """The verdict, and in words what it rests on."""
    code = f" (exit code {state.finished.exit_code})" if state.finished else ""
    return verdict(state), f"{counts.told(state)} in {took(duration(state))}{code}"


def facts(recording: Recording) -> list[str]:
    """How much there is of what, in a few lines."""
    state = recording.state
    told = [f"{words.count(len(state.cases), 'test')} in {words.count(len(recording.suites), 'suite')}"]
    if recording.matrices:
        told.append(f"Requirements: {share(*total(recording.matrices))}")
    held = [event.verdict for event in state.operations.budgets.values()]
    held += [one.verdict.outcome for one in suite_verdicts(state)]
    if held:
        told.append(f"Budgets: {held.count('kept'):,} of {len(held):,} kept")
    return told


def duration(state: RunState) -> int:
    """Nanoseconds from the begin of the run to its end, or to the last that is known."""
    return state.finished.t if state.finished else state.t


def started(state: RunState) -> str:
    """When it began, in UTC; nothing where that is not known."""
    try:
        moment = datetime.fromtimestamp(state.run.started, UTC) if state.run else None
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def reservations(recording: Recording) -> list[str]:
    """What a reader must know before believing the figures."""
    state = recording.state
    told = []
    if state.run is None:
        told.append("The journal does not tell how the run began.")
    if state.finished is None:
        told.append("The recording has no end: the run goes on still, or itdash was killed.")
    elif state.finished.reason:
        told.append(f"{state.finished.reason[:1].upper()}{state.finished.reason[1:]}.")
    if recording.unread:
        told.append(f"{words.count(recording.unread, 'line')} of the journal could not be read.")
    lost = sum(word.lost for word in state.last_words.values())
    if lost:
        told.append(f"{words.count(lost, 'event')} could not be recorded: the disk refused.")
    lost = sum(closed.lost for closed in state.operations.closed)
    if lost:
        told.append(f"{words.count(lost, 'begin or end', 'begins and ends')} of operations were lost.")
    late = sum(one.total.flight.late for one in state.operations.operations.values())
    if late:
        told.append(
            f"{words.count(late, 'begin or end', 'begins and ends')} came late: peaks may not be exact."
        )
    told += [
        f"pytest counts {theirs:,} {name}, the journal {ours:,}."
        for name, (theirs, ours) in queries.disagreement(state).items()
    ]
    return told + list(state.notes)


def command(state: RunState) -> str:
    """What starts the same run again, in the folder where it was started."""
    if state.run is None:
        return ""
    return shlex.join(["itdash", *state.run.command[1:]])


def alone(state: RunState, nodeid: str) -> str:
    """What runs one test again; nothing where its id is no path from where the run was started."""
    run = state.run
    if run is None or state.names.rootdir != run.cwd or "\n" in nodeid or not nodeid.isprintable():
        return ""
    return shlex.join(["itdash", "launch", nodeid])


def environment(recording: Recording) -> list[tuple[str, str]]:
    """Where and with what the run was made, as names and values."""
    state, run = recording.state, recording.state.run
    session = next(iter(state.sessions.values()), None)
    workers = sum(bool(worker) for _, worker in state.sessions)
    told = [("run", recording.name), ("began", started(state))]
    if run is not None:
        told += [("itdash", run.itdash), ("Python", run.python), ("platform", run.platform)]
    if session is not None:
        told += [("pytest", session.pytest), ("plugins", ", ".join(session.plugins))]
    if workers:
        told.append(("workers", f"{workers:,}"))
    if run is not None and os.path.relpath(run.cwd, run.root) != ".":
        told.append(("folder", os.path.relpath(run.cwd, run.root)))
    told.append(("command", command(state)))
    return [(name, value) for name, value in told if value]
