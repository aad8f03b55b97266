"""How long operations took, with the budgets they must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.measure.units import format_ns, format_value
from itdash.render import words
from itdash.render.spans import pad, push
from itdash.render.text import one_line
from itdash.state import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.events.model import BudgetJudged
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.measured import Row
    from itdash.state.run import RunState

_NAME_LEAST, _NAME_MOST = 9, 28
_TIME: Final = 7
_COUNT: Final = 7
_BUDGET: Final = 13
_TITLE: Final = "tightest budget"
_NEAR: Final = 0.9
_ROLES: Final = {"kept": "kept", "broken": "broken", "never ran": "broken", "too few samples": "skipped"}
_RANK: Final = {"broken": 0, "never ran": 1, "too few samples": 2, "kept": 3}


def lines(state: RunState, width: int, paint: Paint) -> list[Spans]:
    """A line for each operation: n, errors, percentiles, and its tightest budget where there is room."""
    rows = ordered(state)
    if not rows:
        return []
    budgets = by_operation(state)
    columns = ["p50", "p95", "p99", "max"]
    name = max(_NAME_LEAST, min(_NAME_MOST, max(len(row.name) for row in rows)))
    fixed = 2 * (_COUNT + 1) + 2 * bool(budgets)  # the sign of a budget
    while columns and name + fixed + len(columns) * (_TIME + 1) > width:
        if name > _NAME_LEAST + 4:
            name -= 1
        else:
            columns.remove("p99" if "p99" in columns else columns[0])
    room = width - name - 2 * (_COUNT + 1) - len(columns) * (_TIME + 1) - 2
    budgeted = bool(budgets) and room >= _BUDGET
    head: Spans = [
        ("dim", pad("operation", name)),
        ("dim", push("n", _COUNT + 1)),
        ("dim", push("errors", _COUNT + 1)),
    ]
    head += [("dim", push(column, _TIME + 1)) for column in columns]
    head += [("dim", f"  {_TITLE if room >= len(_TITLE) else 'budget'}")] * budgeted
    drawn = [head]
    for row in rows:
        spans = _figures(row, name, columns, paint)
        if budgeted and row.name in budgets:
            spans += [("plain", "  "), *_budget(budgets[row.name], room, paint)]
        elif row.name in budgets:
            worst = budgets[row.name][0]
            spans.append((role_of(worst), f" {paint.glyph(glyph_of(worst))}"))
        drawn.append(spans)
    return drawn


def ordered(state: RunState) -> list[Row]:
    """The operations, the most frequent first."""
    return sorted(measured.rows(state.operations), key=lambda row: (-row.count, row.name))


def by_operation(state: RunState) -> dict[str, list[BudgetJudged]]:
    """The verdicts on each operation, the worst first, then the nearest to its limit."""
    found: dict[str, list[BudgetJudged]] = {}
    for verdict in state.operations.budgets.values():
        found.setdefault(verdict.operation, []).append(verdict)
    for verdicts in found.values():
        verdicts.sort(key=lambda one: (_RANK[one.verdict], -(one.margin or 0.0)))
    return found


def role_of(verdict: BudgetJudged) -> str:
    """Kept, near its limit, broken."""
    if verdict.verdict == "kept" and is_near(verdict):
        return "near"
    return _ROLES[verdict.verdict]


def is_near(verdict: BudgetJudged) -> bool:
    """Kept, with less than a tenth of the limit to spare; what must be equal is never near."""
    return verdict.verdict == "kept" and verdict.margin is not None and verdict.margin > _NEAR


def glyph_of(verdict: BudgetJudged) -> str:
    """The name of the sign of a verdict."""
    return {"kept": "passed", "too few samples": "skipped"}.get(verdict.verdict, "failed")


def _figures(row: Row, name: int, columns: Sequence[str], paint: Paint) -> Spans:
    spans: Spans = [
        ("plain", pad(one_line(row.name), name, paint.glyph("cut"))),
        ("plain", push(short(row.count), _COUNT + 1)),
        ("failed" if row.errors else "dim", push(short(row.errors), _COUNT + 1)),
    ]
    for column in columns:
        value = getattr(row, column)
        role = "dim" if value is None else "strong" if column == "p95" else "plain"
        spans.append((role, push(_time(value, paint), _TIME + 1)))
    return spans


def _budget(verdicts: Sequence[BudgetJudged], room: int, paint: Paint) -> Spans:
    worst = verdicts[0]
    measured_text = "" if worst.measured is None else format_value(worst.measured, worst.dimension)
    text = f"{paint.glyph(glyph_of(worst))} {one_line(worst.limit)}"
    if measured_text and room > len(text) + len(measured_text) + 4:
        text += f"  ({measured_text})"
    return [(role_of(worst), words.spelled(text, paint.ascii))]


def _time(ns: int | None, paint: Paint) -> str:
    if ns is None:
        return "-"
    text = format_ns(ns)
    return words.spelled(text, paint.ascii)


def short(number: int) -> str:
    """A count in at most five characters: 999, 12.3k, 4.21M."""
    if number < 10_000:
        return f"{number:,}"
    for unit, size in (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)):
        if number < 1_000 * size:
            value = number / size
            return f"{value:.1f}{unit}" if value < 99.95 else f"{value:.0f}{unit}"
    return f"{number / 1e12:.0f}T"
