"""A test as the run knows it, while it runs and after."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import msgspec

from itdash.events.model import NOTHING, StageFinished, SubtestFinished  # msgspec reads the types

FAILING = frozenset({"failed", "error", "crashed", "timed out"})
ABORTED = frozenset({"crashed", "timed out", "interrupted"})
KNOWN = frozenset({"passed", "failed", "error", "skipped", "xfailed", "xpassed"})

Report = TypeVar("Report", StageFinished, SubtestFinished)


class Case(msgspec.Struct, frozen=True, gc=False):
    """A test: pending while `outcome` is empty; replaced as a whole when it ends."""

    id: str
    suite: str
    line: int = -1
    keywords: tuple[str, ...] = ()
    outcome: str = ""
    cause: str = ""
    attempts: int = 0
    worker: str = ""
    started: int = 0
    ended: int = 0
    durations: tuple[int, ...] = ()
    reports: tuple[StageFinished | SubtestFinished, ...] = ()
    stacks: str = ""
    doc: str = ""

    @property
    def duration(self) -> int:
        """Nanoseconds that its stages took, as pytest measured them; what it had when it was cut off."""
        if self.outcome in ABORTED:
            return self.ended - self.started
        return sum(self.durations)

    @property
    def flaky(self) -> bool:
        """Passed, but not at the first attempt."""
        return self.attempts > 1 and self.outcome == "passed"

    @property
    def failing(self) -> bool:
        """Whether a reader must look at it."""
        return self.outcome in FAILING

    @property
    def title(self) -> str:
        """The node id without its file."""
        return self.id.partition("::")[2] or self.id

    @property
    def file(self) -> str:
        """The file part of the node id."""
        return self.id.partition("::")[0]


class Running:
    """A test between its start and its end; changed in place by the fold."""

    __slots__ = (
        "attempts", "before", "category", "durations", "id", "reports", "stage", "started", "subtests",
        "worker",
    )  # fmt: skip

    def __init__(self, nodeid: str, started: int, worker: str, attempts: int = 1) -> None:
        self.id, self.started, self.worker, self.attempts = nodeid, started, worker, attempts
        self.before: Case | None = None  # another item of the same id, which ended already
        self.subtests: Counter[str] = Counter()
        self.stage = "setup"
        self.category = ""
        self.durations: list[int] = []
        self.reports: list[StageFinished | SubtestFinished] = []

    def finish_stage(self, event: StageFinished) -> None:
        """Take one stage's report in."""
        stage = event.stage
        if stage == "setup" and self.durations:
            self.attempts += 1
            self.durations.clear()
            self.category = ""
        self.durations.append(event.duration)
        if stage == "setup" and event.outcome == "passed":
            self.stage = "call"
        else:
            self.stage = "teardown"
        category = event.category
        if category == "passed" or not category:
            self.category = self.category or category
            if event.detail is NOTHING:
                return
        else:
            self.category = _worse(self.category, category, event.outcome)
        self.reports.append(_owned(event))

    def finish_subtest(self, event: SubtestFinished) -> None:
        """A subtest that fails fails its test."""
        self.reports.append(_owned(event))
        self.subtests[event.category] += 1
        if event.outcome == "failed":
            self.category = "failed"


def _owned(event: Report) -> Report:
    """The event with a detail of its own, not a view into all that was read with it."""
    return event if event.detail is NOTHING else msgspec.structs.replace(event, detail=event.detail.copy())


def _worse(category: str, new: str, outcome: str) -> str:
    """The word for a test whose stages were counted under several."""
    if not new or category == "failed":
        return category
    if new not in KNOWN:
        new = new if outcome == "rerun" else outcome
    if category == "error" and new != "failed":
        return category
    return new


_RANK = ("crashed", "timed out", "failed", "error", "interrupted", "xpassed", "passed", "xfailed", "skipped")


def worse(one: Case, other: Case) -> Case:
    """Of two items with one id, the one that a reader must see."""
    ranks = [_RANK.index(case.outcome) if case.outcome in _RANK else len(_RANK) for case in (one, other)]
    return one if ranks[0] < ranks[1] else other


def last_attempt(case: Case) -> dict[str, StageFinished]:
    """The stages of the last attempt that have more to tell than that they passed."""
    stages: dict[str, StageFinished] = {}
    for report in case.reports:
        if isinstance(report, SubtestFinished):
            continue
        if report.stage in stages and report.stage == "setup":
            stages = {}
        stages[report.stage] = report
        if report.category == "rerun":
            stages = {}
    return stages


def stage_names(case: Case) -> tuple[str, ...]:
    """The names of the stages that `durations` holds."""
    if len(case.durations) == 2:
        setup = last_attempt(case).get("setup")
        if setup is not None and setup.outcome != "passed":
            return ("setup", "teardown")
    return ("setup", "call", "teardown")[: len(case.durations)]
