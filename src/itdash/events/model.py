"""Everything that can happen in a run: frozen records in the past tense, one tagged union."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1

Stage = Literal["setup", "call", "teardown", "crash"]
"""`crash` is the report that pytest-xdist writes for a test that took its worker down."""

End = Literal["crashed", "timed out", "interrupted"]

Verdict = Literal["passed", "failed", "interrupted", "crashed", "error"]

BudgetVerdict = Literal["kept", "broken", "too few samples", "never ran"]

Dimension = Literal["time", "rate", "count", "share"]

LeakKind = Literal["thread", "process", "descriptor", "socket", "task"]

NOTHING = msgspec.Raw()
"""The detail of a report that says no more than outcome and duration."""


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind"):
    """One thing that happened, `t` nanoseconds after the run began."""

    t: int


class SuiteSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared suite: a test belongs to the suite with the longest path that holds its file.

    `budgets` are the limits of its operations, by the name of the operation.
    """

    name: str
    title: str = ""
    paths: tuple[str, ...] = ()
    budgets: dict[str, tuple[str, ...]] = {}


class CollectedCase(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A test that pytest will run: its node id, its line (from 0; -1 where unknown) and its own keywords.

    `requirements` are the ids that its marks name, those of its class and module too; `doc` is the first line
    of its docstring.
    """

    id: str
    line: int = -1
    keywords: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    doc: str = ""


class RequirementRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something that the system must do; `source` tells where it comes from, `parent` is another one's id."""

    id: str
    title: str = ""
    source: str = ""
    parent: str = ""
    tags: tuple[str, ...] = ()


class RunStarted(Event, frozen=True, tag="RunStarted"):
    """itdash began a run; `started` is seconds since 1970, `root` the project's folder.

    `commit` and `branch` are what git has checked out there, if anything; `clean` tells that every file is
    known to be as the commit has it. `machine` is its kind, not its name.
    """

    schema: int
    run: str
    started: float
    root: str
    cwd: str
    command: tuple[str, ...]
    itdash: str
    python: str
    platform: str
    suites: tuple[SuiteSpec, ...] = ()
    commit: str = ""
    branch: str = ""
    clean: bool = False
    machine: str = ""


class RunJoined(Event, frozen=True, tag="RunJoined"):
    """A run of its own is part of this one; what follows is its events, with times and numbers that fit.

    `length` is in nanoseconds; without an end it has no verdict.
    """

    run: str
    started: float
    command: tuple[str, ...]
    length: int
    verdict: str = ""
    exit_code: int | None = None


class ProcessStarted(Event, frozen=True, tag="ProcessStarted"):
    """A pytest process was started; the second part of a run exists when the first one crashed.

    One that is `warm` was forked from a process that had imported what earlier runs imported; `cold` is why a
    later process of the session was not.
    """

    part: int
    pid: int
    argv: tuple[str, ...]
    warm: bool = False
    cold: str = ""


class SessionStarted(Event, frozen=True, tag="SessionStarted"):
    """pytest is configured and about to collect, in the main process or in a worker."""

    part: int
    pid: int
    pytest: str
    rootdir: str
    worker: str = ""
    plugins: tuple[str, ...] = ()
    distributed: bool = False


class CollectorStarted(Event, frozen=True, tag="CollectorStarted"):
    """pytest is about to import a file of tests."""

    node: str
    worker: str = ""


class CollectionProgressed(Event, frozen=True, tag="CollectionProgressed"):
    """Collecting goes on, in the worker named (or in the main process); `found` tests so far."""

    found: int
    worker: str = ""


class CollectionFailed(Event, frozen=True, tag="CollectionFailed"):
    """A file, class or folder could not be collected, or was skipped as a whole."""

    node: str
    outcome: str
    category: str
    detail: msgspec.Raw


class CasesCollected(Event, frozen=True, tag="CasesCollected"):
    """Tests that will run; the first has the number `first`, the others follow."""

    first: int
    cases: tuple[CollectedCase, ...]


class CasesDeselected(Event, frozen=True, tag="CasesDeselected"):
    """Tests were left out by options, marks or plugins."""

    count: int


class ShardTaken(Event, frozen=True, tag="ShardTaken"):
    """Of `collected` tests, those of one of `total` shards were `selected`.

    `digest` stands for the ids of all that were collected, and `fingerprint` for how they are divided: shards
    that fit together have the same.
    """

    index: int
    total: int
    selected: int
    collected: int
    digest: str
    fingerprint: str


class CollectionFinished(Event, frozen=True, tag="CollectionFinished"):
    """pytest knows all the tests that it will run; `left_out` have their result from a process before it."""

    selected: int
    left_out: int = 0


class WorkerLost(Event, frozen=True, tag="WorkerLost"):
    """A worker of pytest-xdist went before its session ended."""

    worker: str


class CaseStarted(Event, frozen=True, tag="CaseStarted"):
    """A test began, in the worker named (or in the main process)."""

    case: int
    worker: str = ""


class StageStarted(Event, frozen=True, tag="StageStarted"):
    """A stage of a test began; told where the reports of all stages come at the end of an attempt."""

    case: int
    stage: Stage


class StageFinished(Event, frozen=True, tag="StageFinished"):
    """Setup, call or teardown of a test ended; `category` is the word under which pytest counts it.

    `detail` is the stage in pytest-json-report's form, present when it says more than outcome and duration.
    """

    case: int
    stage: Stage
    outcome: str
    duration: int
    category: str = ""
    detail: msgspec.Raw = NOTHING


class SubtestFinished(Event, frozen=True, tag="SubtestFinished"):
    """A part of a test reported a result of its own."""

    case: int
    label: str
    outcome: str
    duration: int
    category: str = ""
    detail: msgspec.Raw = NOTHING


class CaseFinished(Event, frozen=True, tag="CaseFinished"):
    """pytest is done with a test, its teardown and its repetitions."""

    case: int


class CaseAborted(Event, frozen=True, tag="CaseAborted"):
    """A test that had started will have no report; itdash says why."""

    case: int
    end: End
    cause: str
    stacks: str = ""


class WarningRecorded(Event, frozen=True, tag="WarningRecorded"):
    """Python or pytest warned."""

    category: str
    message: str
    file: str
    line: int
    when: str
    node: str = ""


class InternalErrorRaised(Event, frozen=True, tag="InternalErrorRaised"):
    """pytest or a plugin failed outside of any test."""

    text: str


class SessionStopped(Event, frozen=True, tag="SessionStopped"):
    """pytest was told to stop before the end: Ctrl-C, `pytest.exit`, or a limit of failures."""

    reason: str


class SessionFinished(Event, frozen=True, tag="SessionFinished"):
    """pytest said its last word; `tally` is its own count of each category.

    `events` and `emit_ns` are what recording cost this process, `lost` counts events that found no way out.
    """

    part: int
    exit_code: int
    worker: str = ""
    tally: dict[str, int] = {}
    emit_ns: int = 0
    events: int = 0
    lost: int = 0


class ProcessEnded(Event, frozen=True, tag="ProcessEnded"):
    """The pytest process is gone; a negative exit code is a signal, no exit code means that nobody saw it."""

    part: int
    exit_code: int | None = None
    signal: str = ""


class OrphanEnded(Event, frozen=True, tag="OrphanEnded"):
    """A process that a test left behind was found after the run and ended by itdash."""

    pid: int
    command: str
    node: str = ""


class StopRequested(Event, frozen=True, tag="StopRequested"):
    """A user or a signal asked the run to stop, softly or at once; `number` is the signal's, or Ctrl-C's."""

    why: str
    number: int = 2
    hard: bool = False


class NoteAdded(Event, frozen=True, tag="NoteAdded"):
    """itdash tells something about the run that the reader must know."""

    text: str


class RunFinished(Event, frozen=True, tag="RunFinished"):
    """The run is over; every test has its end."""

    verdict: Verdict
    exit_code: int
    reason: str = ""


class OperationsHappened(Event, frozen=True, tag="OperationsHappened"):
    """Operations began and ended in one process; made from its `.ops` file, it is not written as a line.

    `words` are what stands in the file from `slot` on; `more` tells that the file holds more already. Where
    a slot is taken and not filled yet, something may be missing that happened after `gap`.
    """

    source: str
    slot: int
    words: bytes
    more: bool = False
    gap: int = 0


class ProbeLost(Event, frozen=True, tag="ProbeLost"):
    """The process that wrote the file `source` was gone at this moment, and had operations in flight."""

    source: str


class ProbeClosed(Event, frozen=True, tag="ProbeClosed"):
    """A pytest process told what its probe recorded, what that cost, and what was lost or refused."""

    records: int
    bytes: int
    emit_ns: int
    lost: int = 0
    errors: int = 0


class MarkAdded(Event, frozen=True, tag="MarkAdded"):
    """A test or its system marked a moment."""

    text: str


class BudgetJudged(Event, frozen=True, tag="BudgetJudged"):
    """A test's budget was judged when its call was over.

    `measured` is in nanoseconds, per second, pieces, or 1 for all, as `dimension` says.
    """

    case: int
    operation: str
    limit: str
    verdict: BudgetVerdict
    dimension: Dimension
    measured: float | None = None
    n: int = 0
    margin: float | None = None
    message: str = ""


class ResourcesCounted(Event, frozen=True, tag="ResourcesCounted"):
    """What a test's process held before and after it; told where these differ, or where tasks ran.

    `tasks` is the largest number of asyncio's tasks that there were at once during its call, and `pending`
    names those that it had started and that were not done at the end of it.
    """

    case: int
    threads: tuple[int, int]
    descriptors: tuple[int, int]
    sockets: tuple[int, int]
    children: tuple[int, int]
    tasks: int = 0
    pending: tuple[str, ...] = ()


class LeakFound(Event, frozen=True, tag="LeakFound"):
    """A test left something behind; `names` says what, as far as a few names go."""

    case: int
    leak: LeakKind
    count: int
    names: tuple[str, ...]


class ResourcesSampled(Event, frozen=True, tag="ResourcesSampled"):
    """What the pytest process and all below it took at a moment.

    `cpu` is in nanoseconds since the process `pid` began, with what its ended children took; `memory` is in
    bytes, and counts what several processes share once for each.
    """

    pid: int
    cpu: int
    memory: int
    processes: int
    threads: int
    descriptors: int


class RequirementsDeclared(Event, frozen=True, tag="RequirementsDeclared"):
    """A file beside the tests of a suite declares requirements; its path starts at the project's folder."""

    suite: str
    file: str
    rows: tuple[RequirementRow, ...]


AnyEvent = (
    RunStarted
    | RunJoined
    | ProcessStarted
    | SessionStarted
    | CollectorStarted
    | CollectionProgressed
    | CollectionFailed
    | CasesCollected
    | CasesDeselected
    | ShardTaken
    | CollectionFinished
    | WorkerLost
    | CaseStarted
    | StageStarted
    | StageFinished
    | SubtestFinished
    | CaseFinished
    | CaseAborted
    | WarningRecorded
    | InternalErrorRaised
    | SessionStopped
    | SessionFinished
    | ProcessEnded
    | OrphanEnded
    | StopRequested
    | NoteAdded
    | RunFinished
    | OperationsHappened
    | ProbeLost
    | ProbeClosed
    | MarkAdded
    | BudgetJudged
    | ResourcesCounted
    | LeakFound
    | ResourcesSampled
    | RequirementsDeclared
)
