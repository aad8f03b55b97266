"""What there is to say about one test, or about what stands below a branch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from itdash.events.model import SubtestFinished
from itdash.measure.units import format_ns, format_value
from itdash.render import words
from itdash.render.failures import detail_of, headline, own_frames
from itdash.render.latency import glyph_of, role_of
from itdash.render.text import head_and_tail, inert, one_line
from itdash.render.tree import look
from itdash.state.cases import last_attempt, stage_names
from itdash.state.outline import FAILING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.failures import StageDetail
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.cases import Case
    from itdash.state.outline import Node
    from itdash.state.run import RunState

_LINES: Final = 2_000
_LISTED: Final = 200
_PLACE: Final = re.compile(r"^[^\s:]+:\d+: ")


def lines(node: Node | None, state: RunState, now: int, paint: Paint) -> list[Spans]:
    """The lines of the panel below the tree."""
    if node is None:
        return []
    if node.children is not None:
        return list(_branch(node, paint))
    return list(_test(node, state, now, paint))


def _branch(node: Node, paint: Paint) -> Iterator[Spans]:
    failing = [test for test in node.tests() if test.bucket == FAILING]
    told = f"{words.count(node.total, 'test')}, {node.ended:,} ended"
    yield [("strong", one_line(node.id)), ("dim", f"  {told}"), ("dim", f"  {words.seconds(node.duration)}")]
    for test in failing[:_LISTED]:
        yield [("failed", f"{paint.glyph('failed')} {one_line(test.id)}")]
        if test.case is not None:
            yield [("plain", f"    {one_line(headline(test.case))}")]
    if len(failing) > _LISTED:
        yield [("dim", f"  and {len(failing) - _LISTED:,} more")]
    if not failing and node.ended == node.total:
        yield [("dim", "nothing failed here")]


def _test(node: Node, state: RunState, now: int, paint: Paint) -> Iterator[Spans]:
    role = look(node)
    case = node.case
    if role == "running":
        stage = next((run.stage for run in state.running.values() if run.id == node.id), "")
        yield [
            ("running", f"{paint.glyph('running')} running"), ("strong", f"  {one_line(node.id)}"),
            ("dim", f"  in {stage or 'call'} for {words.seconds(max(0, now - node.started))}"),
        ]  # fmt: skip
        return
    if case is None or not case.outcome:
        yield [("pending", f"{paint.glyph('pending')} not started"), ("strong", f"  {one_line(node.id)}")]
        return
    told: Spans = [(role, f"{paint.glyph(role)} {case.outcome}"), ("strong", f"  {one_line(node.id)}")]
    told += [("dim", f"  {_took(case)}")]
    if node.stale:
        told += [("stale", "  from an earlier run")]
    if case.attempts > 1:
        told += [("flaky", f"  {words.count(case.attempts, 'attempt')}")]
    if case.worker:
        told += [("dim", f"  in {case.worker}")]
    yield told
    if case.failing and (line := headline(case)):
        yield [("failed" if case.outcome in ("failed", "error") else "crashed", one_line(line))]
    yield from _measured(node, state, paint)
    yield from reports(case)


def _took(case: Case) -> str:
    stages = ", ".join(
        f"{name} {words.seconds(took)}" for name, took in zip(stage_names(case), case.durations, strict=False)
    )
    return f"{words.seconds(case.duration)} ({stages})" if stages else words.seconds(case.duration)


def _measured(node: Node, state: RunState, paint: Paint) -> Iterator[Spans]:
    """Its budgets, its operations, its requirements."""
    number = node.number
    for verdict in state.operations.budgets.values():
        if verdict.case == number:
            told = "" if verdict.measured is None else format_value(verdict.measured, verdict.dimension)
            yield [
                ("dim", "budget  "), (role_of(verdict), f"{paint.glyph(glyph_of(verdict))} "),
                ("plain", f"{one_line(verdict.operation)}: {one_line(verdict.limit)}"),
                ("dim", f"  measured {told}, n {verdict.n:,}" if told else f"  {verdict.verdict}"),
            ]  # fmt: skip
    for name, operation in state.operations.operations.items():
        tally = operation.cases.get(number)
        if tally is not None:
            p50 = tally.latency.quantile(0.5)
            longest = tally.latency.max
            times = (
                f"  p50 {format_ns(p50)}  max {format_ns(longest)}"
                if p50 is not None and longest is not None
                else ""
            )
            errors = f"  {tally.errors:,} errors" if tally.errors else ""
            yield [
                ("dim", "measured  "),
                ("plain", one_line(name)),
                ("dim", f"  n {tally.count:,}{errors}{times}"),
            ]
    claimed = state.requirements.claims.get(node.id)
    if claimed:
        yield [("dim", "requirements  "), ("plain", ", ".join(map(one_line, claimed)))]


def reports(case: Case) -> Iterator[Spans]:
    """Why it failed and what it printed."""
    for line in head_and_tail(own_frames(case.stacks), _LINES):
        yield [("dim", inert(line))]
    for subtest in case.reports:
        if isinstance(subtest, SubtestFinished) and subtest.outcome == "failed":
            yield [("strong", f"subtest {one_line(subtest.label)}")]
            yield from _stage(detail_of(subtest.detail), True)
    for name, stage in last_attempt(case).items():
        failed = stage.outcome == "failed"
        if failed and name != "call":
            yield [("strong", f"in {name}")]
        yield from _stage(detail_of(stage.detail), failed)


def _stage(detail: StageDetail, failed: bool) -> Iterator[Spans]:
    if failed and detail.longrepr:
        for line in head_and_tail(inert(detail.longrepr), _LINES):
            yield [(_role(line), line)]
    for name, text in (("stdout", detail.stdout), ("stderr", detail.stderr), ("log", detail.captured_log)):
        if text:
            yield [("dim", f"captured {name}")]
            for line in head_and_tail(inert(text), _LINES):
                yield [("plain", f"  {line}")]


def _role(line: str) -> str:
    """As pytest writes them: what failed, the line that did, where it stands, the lines around it."""
    if line.startswith("E "):
        return "failed"
    if line.startswith(">"):
        return "strong"
    return "key" if _PLACE.match(line) else "plain"
