"""What a test measured, and the requirements that it verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.measure.units import format_ns, format_value
from itdash.render import words
from itdash.render.coverage import GLYPHS, ROLES
from itdash.render.detail import budgets_of, operations_of, spelled
from itdash.render.latency import glyph_of, role_of, short
from itdash.render.spans import pad, push
from itdash.render.text import columns, one_line
from itdash.state.measured import percentiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.events.model import BudgetJudged
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.outline import Node
    from itdash.state.requirements import SuiteMatrix
    from itdash.state.run import RunState

_NAME: Final = 28


def measured(node: Node, state: RunState, paint: Paint) -> list[Spans]:
    """Its operations as a table, then its budgets."""
    lines: list[Spans] = []
    operations = operations_of(node, state)
    if operations:
        name = max(9, min(_NAME, max(columns(one_line(name)) for name, _ in operations)))
        head = "".join(push(word, 9) for word in ("n", "errors", "p50", "p95", "max"))
        lines.append([("dim", pad("operation", name) + head)])
    for operation, tally in operations:
        times = {**percentiles(tally.latency), "max": tally.latency.max}
        spans: Spans = [("plain", pad(one_line(operation), name, paint.glyph("cut")))]
        spans += [("plain", push(short(tally.count), 9))]
        spans += [("failed" if tally.errors else "dim", push(short(tally.errors), 9))]
        for key in ("p50", "p95", "max"):
            value = times[key]
            spans.append(("plain", push("-" if value is None else spelled(format_ns(value), paint), 9)))
        lines.append(spans)
    if any(tally.latency.count < 20 for _, tally in operations):
        lines.append([("dim", "- stands where there are too few samples: p50 needs 2, p95 needs 20")])
    if operations and node.case is not None and node.case.attempts > 1:
        lines.append([("dim", "all attempts are counted together; a budget below is judged on the last one")])
    for verdict in budgets_of(node, state):
        lines += [[("plain", "")], *_budget(verdict, paint)]
    return lines


def _budget(verdict: BudgetJudged, paint: Paint) -> Iterator[Spans]:
    role = role_of(verdict)
    word = "near its limit" if role == "near" else verdict.verdict
    yield [
        (role, f"{paint.glyph(glyph_of(verdict))} {word}"),
        ("strong", f"  {one_line(verdict.operation)}: {spelled(one_line(verdict.limit), paint)}"),
    ]
    if verdict.measured is None:
        yield [("dim", f"  {one_line(verdict.message)}")]
        return
    told = [f"measured {format_value(verdict.measured, verdict.dimension)}", f"n {verdict.n:,}"]
    told += [] if verdict.margin is None else [f"{verdict.margin:.0%} of the limit"]
    yield [("plain", f"  {spelled('  '.join(told), paint)}")]


def requirements(node: Node, state: RunState, matrix: Sequence[SuiteMatrix], paint: Paint) -> list[Spans]:
    """What it verifies, with the title and the state of each requirement."""
    ids = state.requirements.claims.get(node.id, ())
    lines: list[Spans] = []
    for suite in matrix:
        for line in suite.lines:
            if line.row.id in ids and any(test.id == node.id for test in line.tests):
                others = words.count(len(line.tests) - 1, "other test") if len(line.tests) > 1 else ""
                told = "  ".join(filter(None, (line.row.source, f"with {others}" if others else "")))
                lines += [
                    [
                        (ROLES[line.status], f"{paint.glyph(GLYPHS[line.status])} {line.status}"),
                        ("strong", f"  {one_line(line.row.id)}"), ("plain", f"  {one_line(line.row.title)}"),
                    ],
                    [("dim", f"    {one_line(told)}")],
                ]  # fmt: skip
        for unknown in suite.unknown:
            if unknown.id in ids and any(test.id == node.id for test in unknown.tests):
                told = f"no such requirement{': ' if unknown.hint else ''}{unknown.hint}"
                glyph = paint.glyph("failed")
                lines += [[("failed", f"{glyph} {one_line(unknown.id)}  {one_line(told)}")], [("plain", "")]]
    return lines
