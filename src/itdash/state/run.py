"""The one truth about a run; only the fold changes it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from itdash.state.cases import Case, Running  # noqa: TC001  # the names stand in annotations of instances
from itdash.state.operations import Operations
from itdash.state.requirements import Requirements
from itdash.state.resources import Resources
from itdash.state.suites import SuiteNames

if TYPE_CHECKING:
    from itdash.events import model

WARNINGS_KEPT = 1_000


class SuiteTally:
    """One suite in numbers, kept up as its tests end."""

    __slots__ = ("duration", "ended", "failing", "name", "others", "passed", "total")

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = self.ended = self.passed = self.failing = self.duration = 0
        self.others: Counter[str] = Counter()  # by outcome

    def count(self, case: Case, by: int) -> None:
        """Add a test that ended, or take it back when it starts once more."""
        self.ended += by
        self.duration += by * case.duration
        if case.outcome == "passed":
            self.passed += by
        elif case.failing:
            self.failing += by
        else:
            self.others[case.outcome] += by


class RunState:
    """Containers that change in place; the records in them are frozen and replaced."""

    def __init__(self) -> None:
        self.run: model.RunStarted | None = None
        self.names = SuiteNames()
        self.cases: dict[str, Case] = {}
        self.ids: dict[int, str] = {}
        self.running: dict[int, Running] = {}
        self.finished_cases = 0
        self.found = 0
        self.collected = False
        self.collecting: dict[str, model.CollectorStarted] = {}  # by worker, while it collects
        self.cut_off: list[model.CollectorStarted] = []  # files in whose import a worker was lost
        self.deselected = 0
        self.joined: list[model.RunJoined] = []  # the runs of which this one was merged
        self.shards: list[model.ShardTaken] = []  # several where runs were merged
        self.tally: Counter[str] = Counter()
        self.warnings: list[model.WarningRecorded] = []
        self.uncollected: list[model.CollectionFailed] = []
        self.internal_errors: list[model.InternalErrorRaised] = []
        self.sessions: dict[tuple[int, str], model.SessionStarted] = {}
        self.last_words: dict[tuple[int, str], model.SessionFinished] = {}
        self.stopped: list[model.SessionStopped] = []  # of the last process only
        self.processes: dict[int, model.ProcessStarted] = {}
        self.ends: dict[int, model.ProcessEnded] = {}
        self.orphans: list[model.OrphanEnded] = []
        self.requests: list[model.StopRequested] = []
        self.notes: list[str] = []
        self.suites: dict[str, SuiteTally] = {}
        self.operations = Operations()
        self.resources = Resources()
        self.operations.suite_of = self._suite_of
        self.failing: dict[str, None] = {}
        self.requirements = Requirements()
        self.finished: model.RunFinished | None = None
        self.t = 0

    def _suite_of(self, number: int) -> str:
        case = self.cases.get(self.ids.get(number, ""))
        return case.suite if case else ""
