"""What the probes of all processes recorded: each operation, its sets of labels, its share in each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.events.ops import BEGUN, COUNT, LABEL_SETS, MORE, NAMES_KEPT, Decoder
from itdash.measure.latency import Histogram
from itdash.measure.tally import CANCELLED, ERROR, Tally
from itdash.state.moments import Times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from itdash.events.model import BudgetJudged, MarkAdded, OperationsHappened, ProbeClosed

CASES_KEPT: Final = 2_000
"""So many pairs of test and operation have figures of their own."""

MARKS_KEPT: Final = 1_000
SLACK: Final = 1_000_000_000
"""So long after a moment all its begins and ends have been read, also of a thread that was held up."""

SHORT_SLACK: Final = 100_000_000
"""The same where so many wait that memory counts for more."""

MANY: Final = 50_000

Labels = tuple[tuple[str, str], ...]


class CaseTally:
    """An operation during one test; those count that began in it."""

    __slots__ = ("cancelled", "count", "errors", "latency")

    def __init__(self) -> None:
        self.count = self.errors = self.cancelled = 0
        self.latency = Histogram()


class Operation:
    """One name: all of it, and each of its sets of labels."""

    __slots__ = ("cases", "name", "sets", "total")

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = Tally()
        self.sets: dict[Labels, Tally] = {}
        self.cases: dict[int, CaseTally] = {}

    def labelled(self, labels: Labels) -> Tally | None:
        """The part of it with these labels; beyond a number of sets, the part that is not told apart."""
        if not labels:
            return None
        if labels not in self.sets and len(self.sets) >= LABEL_SETS:
            labels = ((MORE, MORE),)
        return self.sets.setdefault(labels, Tally())


class _Source:
    """One process's file."""

    __slots__ = ("decoder", "ended", "more", "targets")

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.targets: dict[int, tuple[Operation, Tally | None]] = {}
        self.more = False
        self.ended = -1


class Operations:
    """Everything that was measured, kept up as pieces of `.ops` files arrive."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.totals: dict[str, int] = {}
        self.gauges: dict[str, tuple[float, float, float]] = {}  # the last, the lowest, the highest
        self.marks: list[MarkAdded] = []
        self.budgets: dict[tuple[int, str, str], BudgetJudged] = {}
        self.closed: list[ProbeClosed] = []
        self.records = self.bytes = 0
        self.cases_beyond = 0
        self.names_beyond = False
        self.by_suite: dict[tuple[str, str], Tally] = {}  # those that have budgets: suite, then operation
        self.suite_of: Callable[[int], str] = lambda _: ""
        self._watched: set[str] = set()
        self._case_tallies = 0
        self._sources: dict[str, _Source] = {}
        self._times: dict[str, Times] = {}
        self._ended: dict[int, int] = {}
        self._lost: dict[str, int] = {}
        self._behind: dict[str, int] = {}  # files of which more is there, and how far they were read
        self._latest = 0
        self._over = False
        self._unsettled: set[Tally] = set()

    # -- what the fold tells --

    def watch(self, suite: str, name: str) -> None:
        """From now on count an operation of this name for the tests of this suite alone, too."""
        self.by_suite.setdefault((suite, name), Tally())
        self._watched.add(name)

    def case_started(self, worker: str, number: int, t: int) -> None:
        """A test began: what its worker and that one's children begin from now on is its own."""
        times = self._times.get(worker)
        if times is None:
            times = self._times[worker] = Times()
        times.start(number, t)

    def case_ended(self, worker: str, t: int) -> None:
        """The test that ran there is over."""
        if worker in self._times:
            self._times[worker].end(t)

    def take(self, event: OperationsHappened) -> None:
        """Read a piece of a file."""
        source = self._sources.get(event.source)
        if source is None:
            source = self._sources[event.source] = _Source()
            source.ended = max(
                (t for part, t in self._ended.items() if _is_of(event.source, part)),
                default=self._lost.get(event.source, -1),
            )
        self.bytes += len(event.words)
        edges = source.decoder.feed(event.slot, event.words)
        source.more = event.more
        if event.more or event.gap:
            self._behind[event.source] = event.gap or event.t
        else:
            self._behind.pop(event.source, None)
        self._count(source, edges)
        for value in source.decoder.values:
            self._take_value(source, value.number, value.kind, value.value)
        source.decoder.values.clear()
        if source.ended >= 0 and not source.more:
            self._abandon(source)
        self._settle(event.t)

    def part_ended(self, part: int, t: int) -> None:
        """The pytest process of this part is gone, and with it all below it."""
        self._ended[part] = t
        for name, source in self._sources.items():
            if _is_of(name, part):
                self._end(source, t)
        self._settle(t)

    def source_lost(self, name: str, t: int) -> None:
        """The process that wrote this file is gone since `t`."""
        self._lost[name] = t
        if name in self._sources:
            self._end(self._sources[name], t)
            self._settle(t)

    def in_flight(self) -> dict[str, dict[str, object]]:
        """What the files tell of their processes, of those that have operations in flight."""
        return {
            name: source.decoder.source
            for name, source in self._sources.items()
            if source.decoder.open and source.ended < 0
        }

    def run_finished(self) -> None:
        """Nothing will come any more."""
        self._over = True
        self._settle(0)

    def judged(self, event: BudgetJudged) -> None:
        """The verdict on a budget; that of a test's last attempt counts."""
        self.budgets[event.case, event.operation, event.limit] = event

    def marked(self, event: MarkAdded) -> None:
        """A moment was marked."""
        if len(self.marks) < MARKS_KEPT:
            self.marks.append(event)

    # -- the work --

    def _count(self, source: _Source, edges: Iterable[tuple[int, int, int, int]]) -> None:
        targets, unsettled = source.targets, self._unsettled
        times = self._times.get(str(source.decoder.source.get("worker", "")))
        for number, t, duration, outcome in edges:
            self.records += 1
            target = targets.get(number)
            if target is None:
                target = targets[number] = self._target(source, number)
            operation, labelled = target
            total = operation.total
            # A latency that is known otherwise belongs to the test that told it, however long it was.
            began = t - duration if outcome else t
            case = times.at(began) if times is not None else -1
            in_case = self._in_case(operation, case) if case >= 0 else None
            in_suite = self._in_suite(operation.name, case) if operation.name in self._watched else None
            if in_suite is not None:
                unsettled.add(in_suite)
            if duration == BEGUN:
                total.begin(t)
                if labelled is not None:
                    labelled.begin(t)
                if in_suite is not None:
                    in_suite.begin(t)
                if in_case is not None:
                    in_case.count += 1
            else:
                total.end(t, duration, outcome)
                if labelled is not None:
                    labelled.end(t, duration, outcome)
                if in_suite is not None:
                    in_suite.end(t, duration, outcome)
                if in_case is not None:
                    in_case.latency.record(duration)
                    in_case.count += not outcome
                    in_case.errors += outcome == ERROR
                    in_case.cancelled += outcome == CANCELLED
            unsettled.add(total)
            if labelled is not None:
                unsettled.add(labelled)

    def _target(self, source: _Source, number: int) -> tuple[Operation, Tally | None]:
        name, labels = source.decoder.names.get(number, ("(its name was lost)", {}))
        if name not in self.operations and len(self.operations) >= NAMES_KEPT:
            name, labels, self.names_beyond = MORE, {}, True
        operation = self.operations.get(name)
        if operation is None:
            operation = self.operations[name] = Operation(name)
        return operation, operation.labelled(tuple(sorted(labels.items())))

    def _in_case(self, operation: Operation, case: int) -> CaseTally | None:
        tally = operation.cases.get(case)
        if tally is None:
            if self._case_tallies >= CASES_KEPT:
                self.cases_beyond += 1
                return None
            self._case_tallies += 1
            tally = operation.cases[case] = CaseTally()
        return tally

    def _in_suite(self, name: str, case: int) -> Tally | None:
        """The tally of the suite whose test it began in; what begins between two tests is of none."""
        return self.by_suite.get((self.suite_of(case), name)) if case >= 0 else None

    def _take_value(self, source: _Source, number: int, kind: int, value: float) -> None:
        name, _ = source.decoder.names.get(number, ("(its name was lost)", {}))
        if kind == COUNT:
            if name in self.totals or len(self.totals) < NAMES_KEPT:
                self.totals[name] = self.totals.get(name, 0) + int(value)
        elif name in self.gauges or len(self.gauges) < NAMES_KEPT:
            _, low, high = self.gauges.get(name, (value, value, value))
            self.gauges[name] = (value, min(low, value), max(high, value))

    def _end(self, source: _Source, t: int) -> None:
        source.ended = t
        if not source.more:
            self._abandon(source)

    def _abandon(self, source: _Source) -> None:
        """What a process had in flight when it went is in flight no more, and has no latency."""
        times = self._times.get(str(source.decoder.source.get("worker", "")))
        for word in source.decoder.open.values():
            operation, labelled = source.targets.get(word & 4095) or self._target(source, word & 4095)
            case = times.at(word >> 12) if times is not None else -1
            in_suite = self._in_suite(operation.name, case) if operation.name in self._watched else None
            for tally in (operation.total, labelled, in_suite):
                if tally is not None:
                    tally.abandon(source.ended, 1)
                    self._unsettled.add(tally)
        source.decoder.open.clear()

    def _settle(self, t: int) -> None:
        self._latest = max(self._latest, t)
        reached = min([self._latest, *self._behind.values()])
        for tally in self._unsettled:
            slack = SLACK if tally.waiting < MANY else SHORT_SLACK
            tally.settle(None if self._over else reached - slack)
        self._unsettled = {tally for tally in self._unsettled if tally.waiting}


def _is_of(source: str, part: int) -> bool:
    """Whether a file is of a pytest process, of one of its workers, or of a child of them."""
    prefix = f"pytest-{part}"
    return source == prefix or source.startswith((f"{prefix}.", f"{prefix}-"))
