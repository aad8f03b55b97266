"""What was measured, as tables: operations, their labels, how they fared by concurrency, and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.events.ops import MORE, NAMES_KEPT
from itdash.measure.units import format_ns, format_value
from itdash.render.text import columns, cut, one_line
from itdash.render.words import count
from itdash.state import measured
from itdash.state.gate import suite_verdicts
from itdash.state.operations import CASES_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itdash.events.model import BudgetJudged
    from itdash.measure.latency import Histogram
    from itdash.state.run import RunState

_NAME: Final = 40
_TEST: Final = 60
_MOST: Final = 40
_PARTS: Final = 12
_OPERATIONS: Final = 3
_NONE: Final = "-"
_ROLES: Final = {"kept": "plain", "broken": "failed", "never ran": "failed", "too few samples": "skipped"}
_ORDER: Final = {"broken": 0, "never ran": 1, "too few samples": 2, "kept": 3}


class Line(NamedTuple):
    """One line of a table, and the role that gives it its colour."""

    role: str
    text: str


def tables(state: RunState, most: int = _MOST, ascii_only: bool = False) -> list[Line]:
    """Every table that has content; the units in ASCII where that is all there is."""
    lines = [
        *operations(state, most), *by_label(state), *by_concurrency(state), *budgets(state, most),
        *suite_budgets(state, most),
    ]  # fmt: skip
    return in_ascii(lines) if ascii_only else lines


def in_ascii(lines: Iterable[Line]) -> list[Line]:
    """The same with units and signs of cutting in ASCII, each as wide as before."""
    return [Line(role, text.replace("µs", "us").replace("…", "~")) for role, text in lines]


def operations(state: RunState, most: int = _MOST) -> list[Line]:
    """Each operation in numbers; what its samples cannot carry is a dash."""
    rows = measured.rows(state.operations)
    if not rows:
        return []
    shown = sorted(rows, key=lambda row: (-row.count, row.name))[:most]
    uncommon = [key for key in ("cancelled", "unfinished") if any(getattr(row, key) for row in rows)]
    head = ["operation", "n", "errors", *uncommon, "rate", "peak", "p50", "p95", "p99", "max"]
    cells = [
        [
            one_line(row.name, _NAME), f"{row.count:,}", f"{row.errors:,}",
            *(f"{getattr(row, key):,}" for key in uncommon),
            _rate(row.rate), f"{row.peak:,}" if row.peak or row.n < row.count else _NONE,
            *(_time(value) for value in (row.p50, row.p95, row.p99, row.max)),
        ]
        for row in shown
    ]  # fmt: skip
    roles = ["failed" if row.errors == row.count else "plain" for row in shown]
    lines = table("operations", head, cells, roles)
    if len(rows) > most:
        lines.append(Line("dim", f"  and {len(rows) - most:,} more operations, in summary.json"))
    if state.operations.names_beyond:
        lines.append(Line("skipped", f"  beyond {NAMES_KEPT:,} names all others count as {MORE}"))
    late = sum(row.late for row in rows)
    if late:
        lines.append(Line("skipped", f"  {late:,} begins and ends came late: a peak may not be exact"))
    lost = sum(closed.lost for closed in state.operations.closed)
    if lost:
        lines.append(Line("failed", f"  {lost:,} begins and ends could not be recorded: the disk refused"))
    if state.operations.cases_beyond:
        lines.append(Line("dim", f"  figures for each test are kept for {CASES_KEPT:,} of them only"))
    return lines


def budgets(state: RunState, most: int = _MOST) -> list[Line]:
    """The verdict on each budget, broken ones first."""
    verdicts = sorted(state.operations.budgets.values(), key=lambda verdict: _ORDER[verdict.verdict])
    if not verdicts:
        return []
    shown = verdicts[:most]
    head = ["budget", "measured", "n", "verdict", "test"]
    cells = [
        [
            one_line(f"{verdict.operation}: {verdict.limit}", _NAME + 20), _measured(verdict),
            f"{verdict.n:,}", verdict.verdict, _test(state, verdict),
        ]
        for verdict in shown
    ]  # fmt: skip
    lines = table("budgets", head, cells, [_ROLES[verdict.verdict] for verdict in shown], left=(0, 3, 4))
    if len(verdicts) > most:
        counts = {word: sum(verdict.verdict == word for verdict in verdicts[most:]) for word in _ORDER}
        told = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        lines.append(Line("dim", f"  and {told}, in summary.json"))
    return lines


def suite_budgets(state: RunState, most: int = _MOST) -> list[Line]:
    """The verdict on each budget of a suite, broken ones first."""
    verdicts = sorted(suite_verdicts(state), key=lambda one: _ORDER[one.verdict.outcome])
    if not verdicts:
        return []
    shown = verdicts[:most]
    head = ["budget of a suite", "measured", "n", "verdict", "suite"]
    cells = [
        [
            one_line(f"{verdict.operation}: {verdict.budget}", _NAME + 20),
            _NONE if verdict.measured is None else format_value(verdict.measured, verdict.dimension),
            f"{verdict.n:,}", verdict.outcome, one_line(suite, _NAME),
        ]
        for suite, verdict in shown
    ]  # fmt: skip
    roles = [_ROLES[one.verdict.outcome] for one in shown]
    lines = table("budgets of suites", head, cells, roles, left=(0, 3, 4))
    if len(verdicts) > most:
        lines.append(Line("dim", f"  and {len(verdicts) - most:,} more, in summary.json"))
    return lines


def by_label(state: RunState, most: int = _PARTS) -> list[Line]:
    """The sets of labels of operations that have several: those with errors first, then the slowest."""
    rows = [
        row
        for name, operation in sorted(state.operations.operations.items())
        if len(operation.sets) > 1
        for row in measured.label_rows(name, operation)
    ]
    if not rows:
        return []
    shown = sorted(rows, key=lambda row: (-row.errors, -(row.p95 or row.max or 0), row.name))[:most]
    head = ["operation", "labels", "n", "errors", "peak", "p50", "p95", "max"]
    cells = [
        [
            one_line(row.name, _NAME), one_line(" ".join(f"{k}={v}" for k, v in row.labels.items()), _NAME),
            f"{row.count:,}", f"{row.errors:,}", f"{row.peak:,}",
            _time(row.p50), _time(row.p95), _time(row.max),
        ]
        for row in shown
    ]  # fmt: skip
    roles = ["failed" if row.errors == row.count else "plain" for row in shown]
    lines = table("by label", head, cells, roles, left=(0, 1))
    if len(rows) > most:
        more = count(len(rows) - most, "more set of labels", "more sets of labels")
        lines.append(Line("dim", f"  and {more}, in summary.json"))
    return lines


def by_concurrency(state: RunState, most: int = _OPERATIONS) -> list[Line]:
    """How long the busiest operations took, by how many were in flight when they began."""
    told = [
        (operation, rows)
        for operation in state.operations.operations.values()
        if len(rows := operation.total.by_concurrency.rows()) > 1
    ]
    told.sort(key=lambda one: (-one[0].total.count, one[0].name))
    lines: list[Line] = []
    for operation, rows in told[:most]:
        lines += latencies(f"{one_line(operation.name, _NAME)} by concurrency", "in flight", rows)
    if len(told) > most:
        lines.append(Line("dim", f"  and {count(len(told) - most, 'more operation')}, in summary.json"))
    return lines


def latencies(title: str, of: str, rows: Sequence[tuple[str, Histogram]]) -> list[Line]:
    """Percentiles of several histograms, a row for each."""
    cells = []
    for label, histogram in rows:
        carried = measured.percentiles(histogram)
        times = (carried["p50"], carried["p95"], carried["p99"], histogram.max)
        cells.append([label, f"{histogram.count:,}", *(_time(value) for value in times)])
    return table(title, [of, "n", "p50", "p95", "p99", "max"], cells, ["plain"] * len(cells))


def table(
    title: str,
    head: Sequence[str],
    cells: Sequence[Sequence[str]],
    roles: Iterable[str],
    left: Sequence[int] = (0,),
) -> list[Line]:
    """Columns as wide as what stands in them."""
    widths = [max(columns(row[place]) for row in (head, *cells)) for place in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = []
        for place, cell in enumerate(row):
            blanks = " " * (widths[place] - columns(cell))
            padded.append(cell + blanks if place in left else blanks + cell)
        return ("  " + "  ".join(padded)).rstrip()

    rows = [Line(role, line(row)) for role, row in zip(roles, cells, strict=True)]
    return [Line("strong", title), Line("dim", line(head)), *rows]


def _time(ns: int | None) -> str:
    return _NONE if ns is None else format_ns(ns)


def _rate(rate: float | None) -> str:
    return _NONE if rate is None else format_value(rate, "rate")


def _measured(verdict: BudgetJudged) -> str:
    if verdict.measured is None:
        return _NONE
    return format_value(verdict.measured, verdict.dimension)


def _test(state: RunState, verdict: BudgetJudged) -> str:
    nodeid = state.ids.get(verdict.case, "")
    return cut(one_line(nodeid.rpartition("::")[2] or nodeid), _TEST)
