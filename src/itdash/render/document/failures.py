"""What failed, for documents: a heading, the cause in a line, and blocks of text that can be shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.events.model import SubtestFinished
from itdash.render.failures import detail_of, headline, own_frames
from itdash.render.text import head_and_tail, inert
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.failures import StageDetail
    from itdash.state.cases import Case
    from itdash.state.run import RunState

_WIDEST: Final = 400


class Block(NamedTuple):
    """A text and what it is; `captured` is output that a test printed."""

    title: str
    text: str
    captured: bool = False

    def lines(self, most: int) -> list[str]:
        """At most so many lines of it, made inert, none of them endless."""
        return [
            line if len(line) <= _WIDEST else f"{line[:_WIDEST]} [... {len(line) - _WIDEST:,} characters ...]"
            for line in map(inert, head_and_tail(self.text, most))
        ]


class Failure(NamedTuple):
    """Something that failed: a test, a file that cannot be collected, or pytest itself (then without id)."""

    id: str
    outcome: str
    cause: str
    case: Case | None
    blocks: tuple[Block, ...]


def every(state: RunState) -> Iterator[Failure]:
    """Files first, then pytest's own errors, then tests."""
    for problem in state.uncollected:
        if problem.outcome == "failed":
            text = detail_of(problem.detail).longrepr
            block = Block("traceback", text)
            yield Failure(problem.node or "(root)", "cannot be collected", _last_line(text), None, (block,))
    for error in state.internal_errors:
        block = Block("traceback", error.text)
        yield Failure("", "internal error of pytest", _last_line(error.text), None, (block,))
    for nodeid in state.failing:
        case = state.cases[nodeid]
        yield Failure(nodeid, case.outcome, headline(case), case, tuple(blocks(case)))


def count(state: RunState) -> int:
    """How many of them there are."""
    files = sum(problem.outcome == "failed" for problem in state.uncollected)
    return files + len(state.internal_errors) + len(state.failing)


def blocks(case: Case) -> Iterator[Block]:
    """What is known of why a test failed."""
    if case.stacks:
        yield Block("stacks", own_frames(case.stacks))
    for subtest in case.reports:
        if isinstance(subtest, SubtestFinished) and subtest.outcome == "failed":
            yield from _of(detail_of(subtest.detail), f"subtest {subtest.label}", failed=True)
    for name, stage in last_attempt(case).items():
        if name == "crash" and case.cause:
            continue  # pytest-xdist's words for it; the cause says more
        where = "traceback" if name == "call" else f"in {name}"
        yield from _of(detail_of(stage.detail), where, failed=stage.outcome == "failed")


def _of(detail: StageDetail, title: str, failed: bool) -> Iterator[Block]:
    if failed and detail.longrepr:
        yield Block(title, detail.longrepr)
    for name, text in (("stdout", detail.stdout), ("stderr", detail.stderr), ("log", detail.captured_log)):
        if text:
            yield Block(f"captured {name}", text, captured=True)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
