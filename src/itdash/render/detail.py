"""A test in a few lines, for the panel below the tree; of a branch, what failed there."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.events.model import SubtestFinished
from itdash.measure.units import format_ns, format_value
from itdash.render import words
from itdash.render.failures import detail_of, headline, own_frames
from itdash.render.latency import glyph_of, role_of
from itdash.render.text import inert, one_line
from itdash.render.tree import look
from itdash.state.cases import last_attempt, stage_names
from itdash.state.measured import percentiles
from itdash.state.outline import FAILING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.events.model import BudgetJudged
    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.state.cases import Case
    from itdash.state.operations import CaseTally
    from itdash.state.outline import Node
    from itdash.state.run import RunState

_FEW: Final = 40
_PRINTED: Final = 6
_BEFORE: Final = 2
_LISTED: Final = 200
_PLACE: Final = re.compile(r"^\S.*?:\d+: (?:[\w.]*$|in )")
_DIFFERS: Final = re.compile(r"^E {2,}([-+?])(?: (?! +(?:where|and) )|$)")
_FOREIGN: Final = re.compile(r"[/\\](?:site-packages|dist-packages|lib[/\\]python[\d.]+)[/\\]|<")
_CARETS: Final = re.compile(r"^ {4,}[\^~]+ *$")
_ROLES: Final = {
    "source": "plain", "failing": "strong", "carets": "failed", "error": "failed", "-": "failed",
    "+": "passed", "?": "dim", "place": "key", "rule": "dim", "plain": "plain",
}  # fmt: skip


class Traced(NamedTuple):
    """A line of a failure as pytest prints it, and what it is."""

    kind: str
    text: str

    @property
    def role(self) -> str:
        """The role of the whole line."""
        return _ROLES[self.kind]


def lines(node: Node | None, state: RunState, now: int, paint: Paint) -> list[Spans]:
    """The lines of the panel below the tree."""
    if node is None:
        return []
    if node.children is not None:
        return list(_branch(node, paint))
    return list(_test(node, state, now, paint))


def _branch(node: Node, paint: Paint) -> Iterator[Spans]:
    failing = [test for test in node.tests() if test.bucket == FAILING]
    files = sum(_is_file(test) for test in failing)
    told = words.count(node.total - files, "test")
    told += f", {words.count(files, 'file')} not collected" if files else ""
    told += f", {node.ended - files:,} ended"
    yield [
        ("strong", one_line(node.id)),
        ("dim", f"  {told}"),
        ("dim", f"  {words.seconds(node.duration, paint.ascii)}"),
    ]
    for test in failing[:_LISTED]:
        yield [("failed", f"{paint.glyph('failed')} {one_line(test.id)}")]
        if test.case is not None:
            yield [("plain", f"    {one_line(headline(test.case))}")]
    if len(failing) > _LISTED:
        yield [("dim", f"  and {len(failing) - _LISTED:,} more")]
    if not failing and node.ended == node.total:
        yield [("dim", "nothing failed here")]


def _test(node: Node, state: RunState, now: int, paint: Paint) -> Iterator[Spans]:
    yield title(node, state, now, paint)
    case = node.case
    if look(node) == "running" or case is None or not case.outcome:
        return
    if line := reason(case):
        yield line
    yield from (budget_line(verdict, paint) for verdict in budgets_of(node, state))
    for name, tally in operations_of(node, state):
        yield [("dim", "measured  "), ("plain", one_line(name)), ("dim", f"  {_figures(tally, paint)}")]
    if claimed := state.requirements.claims.get(node.id):
        yield [("dim", "requirements  "), ("plain", ", ".join(map(one_line, claimed)))]
    failure = list(islice(_failure(case), _FEW + 1))
    yield from failure[:_FEW]
    if len(failure) > _FEW:
        yield [("dim", "the rest stands where the test is inspected")]


def _is_file(node: Node) -> bool:
    """Whether it is no test but a file that cannot be collected, which takes no time."""
    return node.children is None and "::" not in node.id


def in_stage(case: Case, name: str) -> str:
    """Where a test failed, in words."""
    return f"in {name}" if "::" in case.id else "while it was collected"


def title(node: Node, state: RunState, now: int, paint: Paint, *, stages: bool = True) -> Spans:
    """How it is, which test it is, and how long it took."""
    role, case = look(node), node.case
    name = ("strong", f"  {one_line(node.id)}")
    if role == "running":
        stage = next((run.stage for run in state.running.values() if run.id == node.id), "") or "call"
        age = words.seconds(max(0, now - node.started), paint.ascii)
        return [("running", f"{paint.glyph('running')} running"), name, ("dim", f"  in {stage} for {age}")]
    if case is None or not case.outcome:
        return [("pending", f"{paint.glyph('pending')} not started"), name]
    told: Spans = [(role, f"{paint.glyph(role)} {case.outcome}"), name]
    if not _is_file(node):
        told += [("dim", f"  {_took(case, paint) if stages else words.seconds(case.duration, paint.ascii)}")]
    if node.stale:
        told += [("stale", "  from an earlier run")]
    if case.attempts > 1:
        told += [("flaky", f"  {words.count(case.attempts, 'attempt')}")]
    if case.worker:
        told += [("dim", f"  in {one_line(case.worker)}")]
    return told


def reason(case: Case) -> Spans:
    """The line that says most about why it failed or did not run; empty for a test that passed."""
    line = one_line(headline(case)) if case.failing or case.cause else ""
    if not line:
        return []
    return [("failed" if case.outcome in ("failed", "error") else "crashed" if case.failing else "dim", line)]


def _took(case: Case, paint: Paint) -> str:
    stages = ", ".join(
        f"{name} {words.seconds(took, paint.ascii)}"
        for name, took in zip(stage_names(case), case.durations, strict=False)
    )
    took = words.seconds(case.duration, paint.ascii)
    return f"{took} ({stages})" if stages else took


def budgets_of(node: Node, state: RunState) -> list[BudgetJudged]:
    """The verdicts on its budgets."""
    number = node.number
    return [
        verdict for verdict in state.operations.budgets.values() if number >= 0 and verdict.case == number
    ]


def operations_of(node: Node, state: RunState) -> list[tuple[str, CaseTally]]:
    """What it measured, by the name of the operation."""
    every = state.operations.operations.items()
    return [
        (name, operation.cases[node.number]) for name, operation in every if node.number in operation.cases
    ]


def budget_line(verdict: BudgetJudged, paint: Paint) -> Spans:
    """A budget with its verdict, what was measured, and from how many."""
    told = "" if verdict.measured is None else format_value(verdict.measured, verdict.dimension)
    figures = f"measured {told}, n {verdict.n:,}" if told else verdict.verdict
    return [
        ("dim", "budget  "), (role_of(verdict), f"{paint.glyph(glyph_of(verdict))} "),
        ("plain", f"{one_line(verdict.operation)}: {one_line(verdict.limit)}"),
        ("dim", f"  {spelled(figures, paint)}"),
    ]  # fmt: skip


def _figures(tally: CaseTally, paint: Paint) -> str:
    times = {**percentiles(tally.latency), "max": tally.latency.max}
    told = [f"n {tally.count:,}"] + [f"{tally.errors:,} errors"] * bool(tally.errors)
    told += [
        f"{name} {format_ns(times[name] or 0)}" for name in ("p50", "p95", "max") if times[name] is not None
    ]
    return spelled("  ".join(told), paint)


def spelled(text: str, paint: Paint) -> str:
    """Our own text in signs that the terminal can show."""
    return words.spelled(text, paint.ascii)


def _failure(case: Case) -> Iterator[Spans]:
    """Why it failed, the end of the traceback first of all, and the last that it printed."""
    for line in frames(own_frames(case.stacks)):
        yield [frame(line)]
    for report in case.reports:
        if isinstance(report, SubtestFinished) and report.outcome == "failed":
            yield [("strong", f"subtest {one_line(report.label)}")]
            yield from _traced(detail_of(report.detail).longrepr)
    for name, stage in last_attempt(case).items():
        if stage.outcome == "failed":
            if name != "call":
                yield [("strong", in_stage(case, name))]
            yield from _traced(detail_of(stage.detail).longrepr)
    for name, stage in last_attempt(case).items():
        detail = detail_of(stage.detail)
        for stream, text in (
            ("stdout", detail.stdout),
            ("stderr", detail.stderr),
            ("log", detail.captured_log),
        ):
            if text:
                yield [("dim", f"the last of {stream} in {name}")]
                yield from ([("plain", f"  {inert(line)}")] for line in text.splitlines()[-_PRINTED:])


def frames(stacks: str) -> list[str]:
    """The lines of stacks, with the thread first that was running."""
    threads = stacks.strip("\n").split("\n\n")
    threads.sort(key=lambda thread: (not thread.startswith("Fatal"), not thread.startswith("Current")))
    return "\n\n".join(threads).splitlines()


def frame(line: str) -> Span:
    """A line of a stack; what stands in the project's own files is what one looks for."""
    if not line.startswith("  File "):
        return ("crashed", inert(line))
    return ("dim" if _FOREIGN.search(line) else "strong", inert(line))


def _traced(longrepr: str) -> Iterator[Spans]:
    """The innermost line that failed with a little of what stands before it, and all that comes after."""
    every = [line for line in traced(longrepr) if line.text.strip()]
    failing = [place for place, line in enumerate(every) if line.kind == "failing"]
    for line in every[max(0, failing[-1] - _BEFORE) if failing else 0 :]:
        yield [(line.role, line.text)]


def traced(longrepr: str) -> Iterator[Traced]:
    """Each line of a failure as pytest prints it, told apart by its kind."""
    for raw in _aligned(longrepr).splitlines():
        line = inert(raw)
        if line.startswith("E"):
            difference = _DIFFERS.match(line)
            kind = difference[1] if difference else "error" if line[1:2] in (" ", "") else "plain"
        elif line.startswith(">"):
            kind = "failing"
        elif _CARETS.match(line):
            kind = "carets"
        elif line.startswith("    "):
            kind = "source"
        elif line.startswith("_ _ _"):
            kind = "rule"
        else:
            kind = "place" if _PLACE.match(line) else "plain"
        yield Traced(kind, line)


def _aligned(longrepr: str) -> str:
    """pytest strips the text of a failure, which moves the first line of its source to the left."""
    first, newline, rest = longrepr.partition("\n")
    is_source = first.startswith(("def ", "async def ", "@", "class ")) and newline
    return f"    {longrepr}" if is_source and rest.startswith((">", "    ")) else longrepr
