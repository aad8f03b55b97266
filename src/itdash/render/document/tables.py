"""What documents tell in tables: columns with kinds, and rows of values that no format has touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.measure.units import format_ns, format_value
from itdash.render import words
from itdash.render.document import run
from itdash.render.document.run import took
from itdash.render.requirements import share, total
from itdash.state import measured, queries
from itdash.state.cases import FAILING
from itdash.state.gate import suite_verdicts
from itdash.state.requirements import NOT_RUN, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itdash.measure.latency import Histogram
    from itdash.measure.units import Dimension
    from itdash.render.document.run import Recording, Suite, Test
    from itdash.state.requirements import Result, SuiteMatrix
    from itdash.state.run import RunState

TEXT, CODE, CODES, NUMBER, WORD, EVIDENCE = "text", "code", "codes", "number", "word", "evidence"
"""A title; a name from the tests; several of them; a figure; a word of itdash's own; tests with outcomes."""

NONE: Final = "-"
_ORDER: Final = {"broken": 0, "never ran": 1, "too few samples": 2, "kept": 3}
_EVIDENCE: Final = 6
_NAMES: Final = 3
_NS: Final = ("p50", "p90", "p95", "p99", "max")

Cell = str | tuple[str, ...] | tuple[tuple[str, str], ...]


class Column(NamedTuple):
    """What its cells are."""

    head: str
    kind: str = NUMBER


class Table(NamedTuple):
    """`more` tells what of it is not there."""

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    more: str = ""


def _cut(table: Table, most: int, what: str) -> Table:
    left = len(table.rows) - most
    if left <= 0:
        return table
    return table._replace(rows=table.rows[:most], more=f"{words.count(left, f'more {what}')} not shown.")


# -- tests --


def tests(found: Iterable[Test], requirements: bool) -> Table:
    """A row for each test; requirements where any is named in the run, docstrings where a test has one."""
    shown = list(found)
    documented = any(test.case.doc for test in shown)
    columns = [Column("test", CODE), *[Column("validates", TEXT)] * documented]
    columns += [Column("result", WORD), Column("time"), *[Column("requirements", CODES)] * requirements]
    rows: list[tuple[Cell, ...]] = []
    for test in shown:
        case = test.case
        result = f"{test.outcome}, attempt {case.attempts}" if case.attempts > 1 else test.outcome
        time = took(case.duration) if case.attempts else NONE
        row: list[Cell] = [case.id, *[case.doc] * documented, result, time]
        rows.append((*row, *[test.requirements] * requirements))
    return Table("Tests", tuple(columns), rows)


def measured_in(found: Iterable[Test]) -> Table:
    """What each test did, operation by operation."""
    columns = (
        Column("test", CODE), Column("operation", CODE), Column("n"), Column("errors"), Column("peak"),
        *map(Column, _NS),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (test.case.title, one.name, f"{one.tally.count:,}", f"{one.tally.errors:,}",
         f"{one.peak:,}" if one.peak else NONE, *_latencies(one.tally.latency))
        for test in found
        for one in test.operations
    ]  # fmt: skip
    return Table("Measured in these tests", columns, rows)


def budgets(found: Iterable[Test]) -> Table:
    """The verdict on each budget of these tests, broken ones first."""
    columns = (
        Column("test", CODE), Column("operation", CODE), Column("limit", CODE), Column("measured"),
        Column("n"), Column("verdict", WORD),
    )  # fmt: skip
    pairs = [(test.case.title, event) for test in found for event in test.budgets]
    pairs.sort(key=lambda pair: _ORDER[pair[1].verdict])
    rows: list[tuple[Cell, ...]] = [
        (title, event.operation, event.limit, _value(event.measured, event.dimension), f"{event.n:,}",
         event.verdict)
        for title, event in pairs
    ]  # fmt: skip
    return Table("Budgets of these tests", columns, rows)


def outcomes(suites: Sequence[Suite]) -> Table:
    """Each suite in a row."""
    words_of = list(dict.fromkeys(word for suite in suites for word in suite.outcomes))
    columns = (Column("suite", TEXT), Column("tests"), *map(Column, words_of), Column("time"))
    rows: list[tuple[Cell, ...]] = []
    for suite in suites:
        counts = suite.outcomes
        rows.append(
            (suite.title, f"{len(suite.tests):,}", *(f"{counts.get(word, 0):,}" for word in words_of),
             took(suite.duration))
        )  # fmt: skip
    return Table("Suites", columns, rows)


def flaky(state: RunState, most: int) -> Table:
    """Tests that passed, but not at the first attempt."""
    rows: list[tuple[Cell, ...]] = [(case.id, f"{case.attempts}") for case in queries.flaky(state)]
    table = Table("Flaky tests", (Column("test", CODE), Column("passed at attempt")), rows)
    return _cut(table, most, "flaky test")


def slowest(state: RunState, most: int) -> Table:
    """The tests that took longest."""
    rows: list[tuple[Cell, ...]] = [
        (case.id, took(case.duration)) for case in queries.slowest(state, most) if case.duration
    ]
    return Table("Slowest tests", (Column("test", CODE), Column("time")), rows)


# -- what was measured --


def operations(state: RunState, most: int) -> Table:
    """Each operation of the run in numbers, the busiest first."""
    found = sorted(measured.rows(state.operations), key=lambda row: (-row.count, row.name))
    odd = [key for key in ("cancelled", "unfinished") if any(getattr(row, key) for row in found)]
    columns = (
        Column("operation", CODE), Column("n"), Column("errors"), *map(Column, odd), Column("rate"),
        Column("peak"), *map(Column, _NS),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (row.name, f"{row.count:,}", f"{row.errors:,}", *(f"{getattr(row, key):,}" for key in odd),
         _value(row.rate, "rate"), f"{row.peak:,}" if row.peak or row.n < row.count else NONE,
         *_times([row.p50, row.p90, row.p95, row.p99, row.max]))
        for row in found
    ]  # fmt: skip
    return _cut(Table("Operations", columns, rows), most, "operation")


def by_label(state: RunState, most: int) -> Table:
    """The sets of labels of operations that have several: those with errors first, then the slowest."""
    found = [
        row
        for name, operation in sorted(state.operations.operations.items())
        if len(operation.sets) > 1
        for row in measured.label_rows(name, operation)
    ]
    found.sort(key=lambda row: (-row.errors, -(row.p95 or row.max or 0), row.name))
    columns = (
        Column("operation", CODE), Column("labels", CODE), Column("n"), Column("errors"), Column("peak"),
        *map(Column, _NS),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (row.name, " ".join(f"{key}={value}" for key, value in row.labels.items()), f"{row.count:,}",
         f"{row.errors:,}", f"{row.peak:,}", *_times([row.p50, row.p90, row.p95, row.p99, row.max]))
        for row in found
    ]  # fmt: skip
    return _cut(Table("By label", columns, rows), most, "set of labels")


def suite_budgets(state: RunState) -> Table:
    """The verdict on each budget of a suite, broken ones first."""
    found = sorted(suite_verdicts(state), key=lambda one: _ORDER[one.verdict.outcome])
    columns = (
        Column("suite", TEXT), Column("operation", CODE), Column("limit", CODE), Column("measured"),
        Column("n"), Column("verdict", WORD),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (state.names.titles.get(suite, suite), one.operation, one.budget,
         _value(one.measured, one.dimension), f"{one.n:,}", one.outcome)
        for suite, one in found
    ]  # fmt: skip
    return Table("Budgets of suites", columns, rows)


def stages(state: RunState) -> Table:
    """How long setup, call and teardown took, over all tests."""
    rows: list[tuple[Cell, ...]] = [
        (name, f"{taken.count:,}", *_latencies(taken))
        for name, taken in measured.stages(state.cases.values()).items()
        if taken.count
    ]
    return Table("Stages of tests", (Column("stage", WORD), Column("n"), *map(Column, _NS)), rows)


def counts(state: RunState) -> Table:
    """What the probe counted, and the gauges."""
    found = state.operations
    rows: list[tuple[Cell, ...]] = [(name, f"{n:,}", NONE, NONE) for name, n in sorted(found.totals.items())]
    rows += [
        (name, f"{last:g}", f"{low:g}", f"{high:g}")
        for name, (last, low, high) in sorted(found.gauges.items())
    ]
    columns = (Column("name", CODE), Column("total or last"), Column("least"), Column("greatest"))
    return Table("Counts and gauges", columns, rows)


# -- requirements --


def requirements(suite: SuiteMatrix, evidence: int = _EVIDENCE) -> Table:
    """Every requirement of a suite with the tests that speak for it, ids that nobody declares after them."""
    columns = (
        Column("id", CODE),
        Column("title", TEXT),
        Column("status", WORD),
        Column("evidence", EVIDENCE),
    )
    rows: list[tuple[Cell, ...]] = [
        (line.row.id, line.row.title if line.leaf else f"{line.row.title} ({line.verified} of {line.leaves})",
         line.status, _evidence(line.tests, evidence))
        for line in suite.lines
    ]  # fmt: skip
    rows += [(one.id, one.hint, UNKNOWN, _evidence(one.tests, evidence)) for one in suite.unknown]
    return Table(suite.suite, columns, rows, f"{share(*total([suite]))}.")


def _evidence(results: Sequence[Result], most: int) -> tuple[tuple[str, str], ...]:
    """The tests that speak against it stand first: none of them is cut away before one that passed."""
    worst = sorted(results, key=lambda result: (result.outcome not in FAILING, result.outcome == "passed"))
    told = [(result.id, result.outcome or NOT_RUN) for result in worst[:most]]
    if len(results) > most:
        told.append(("", f"and {words.count(len(results) - most, 'more test')}"))
    return tuple(told)


# -- resources --


def peaks(state: RunState) -> Table:
    """The most that pytest and all processes below it took at any look."""
    peak = state.resources.peak
    rows: list[tuple[Cell, ...]] = []
    if peak is not None:
        rows = [
            ("CPU time", format_ns(state.resources.cpu)), ("memory", words.size(peak.memory)),
            ("processes", f"{peak.processes:,}"), ("threads", f"{peak.threads:,}"),
            ("descriptors", f"{peak.descriptors:,}"),
        ]  # fmt: skip
    more = f"Looked at {words.count(state.resources.samples, 'time')}."
    return Table("Processes", (Column("resource", WORD), Column("at most")), rows, more)


def leaks(state: RunState, most: int) -> Table:
    """What tests left behind."""
    rows: list[tuple[Cell, ...]] = [
        (state.ids.get(event.case, str(event.case)), event.leak, f"{event.count:,}", event.names[:_NAMES])
        for event in state.resources.leaks.values()
    ]
    rows += [(orphan.node, "process, ended by itdash", "1", (orphan.command,)) for orphan in state.orphans]
    columns = (Column("test", CODE), Column("kind", WORD), Column("count"), Column("what", CODES))
    table = _cut(Table("Left behind", columns, rows), most, "leak")
    beyond = state.resources.leaks_beyond
    return table._replace(more=f"{table.more} {beyond:,} more in the journal.".strip()) if beyond else table


def environment(recording: Recording) -> Table:
    """Where and with what the run was made."""
    columns = (Column("what", WORD), Column("value", CODE))
    return Table("Environment", columns, list(run.environment(recording)))


# -- values --


def _latencies(latency: Histogram) -> list[str]:
    return _times([*measured.percentiles(latency).values(), latency.max])


def _times(values: Iterable[int | None]) -> list[str]:
    return [NONE if value is None else format_ns(value) for value in values]


def _value(value: float | None, dimension: Dimension) -> str:
    return NONE if value is None else format_value(value, dimension)
