"""Why a test failed: tracebacks with their source in colours, and the stacks of one that was cut off."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from itdash.events.model import SubtestFinished
from itdash.render.detail import frame, frames, in_stage, reason, traced
from itdash.render.failures import detail_of, own_frames
from itdash.render.inspect.course import attempts
from itdash.render.spans import plain
from itdash.render.text import one_line
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.render.detail import Traced
    from itdash.render.spans import Spans
    from itdash.state.cases import Case

_COPIED: Final = 50_000
_COLOURED: Final = 16_000
"""So many characters get their colours within a frame."""

_SYNTAX: Final = (
    ("Token.Keyword", "chart"), ("Token.Operator.Word", "chart"), ("Token.Comment", "dim"),
    ("Token.Literal.String", "limit"), ("Token.Literal.Number", "peak"), ("Token.Name.Decorator", "key"),
    ("Token.Name.Function", "strong"), ("Token.Name.Class", "strong"),
)  # fmt: skip


def failure(case: Case, *, coloured: bool = True) -> list[Spans]:
    """Why a test failed: the reason, the own frames of its stacks, and each traceback with its source."""
    lines: list[Spans] = [reason(case)] if case.cause else []
    if case.stacks:
        lines += [[("plain", "")], [("dim", "its own frames; all of them stand in Stacks")]]
        lines += [[frame(line)] for line in frames(own_frames(case.stacks))]
    for report in case.reports:
        if isinstance(report, SubtestFinished) and report.outcome == "failed":
            lines += [[("plain", "")], [("strong", f"subtest {one_line(report.label)}")]]
            lines += _traceback(detail_of(report.detail).longrepr, coloured)
    for name, stage in last_attempt(case).items():
        detail = detail_of(stage.detail)
        if stage.outcome == "failed" and detail.longrepr:
            lines += [[("plain", "")], [("strong", in_stage(case, name))]] if name != "call" or lines else []
            lines += _traceback(detail.longrepr, coloured)
        elif detail.wasxfail or (stage.outcome == "skipped" and detail.longrepr):
            lines.append([("skipped", one_line(f"in {name}: {detail.wasxfail or detail.longrepr}"))])
    return lines + _earlier(case, coloured)


def _earlier(case: Case, coloured: bool) -> list[Spans]:
    """The failures of earlier attempts, as far as they differ from those after them."""
    every = attempts(case)
    after = {every[-1].detail.longrepr}
    found: list[list[Spans]] = []
    for one in reversed(every[:-1]):
        if one.detail.longrepr and one.detail.longrepr not in after:
            after.add(one.detail.longrepr)
            head: Spans = [("flaky", f"attempt {one.number} of {case.attempts}, in {one.failed_in}")]
            found.append([head, *_traceback(one.detail.longrepr, coloured), [("plain", "")]])
    return [line for block in reversed(found) for line in block]


def failure_text(case: Case) -> str:
    """The same as plain text, bounded, for the clipboard."""
    lines = [f"{one_line(case.id)}  {case.outcome}", *(plain(line) for line in failure(case, coloured=False))]
    text = "\n".join(lines)
    if len(text) <= _COPIED:
        return text
    half = _COPIED // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"


def _traceback(longrepr: str, coloured: bool) -> list[Spans]:
    lines: list[Spans] = []
    coloured = coloured and len(longrepr) <= _COLOURED
    for is_source, group in groupby(traced(longrepr), lambda line: line.kind in ("source", "failing")):
        block = list(group)
        if is_source and coloured:
            lines += _source(block)
        else:
            lines += [_plain_line(line) for line in block]
    return lines


def _plain_line(line: Traced) -> Spans:
    if line.kind == "failing":
        return [("failed", line.text[:1]), ("strong", line.text[1:])]
    return [(line.role, line.text)]


@cache
def _lexer() -> Any:
    """A lexer of Python, which takes a while to make."""
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    return PythonLexer(stripnl=False, ensurenl=False)


@cache
def _colour(token: str) -> str:
    return next((role for name, role in _SYNTAX if token.startswith(name)), "plain")


def _source(block: Sequence[Traced]) -> list[Spans]:
    """Lines of Python in colours; the one that failed keeps its mark and is bright as a whole."""
    code = "\n".join(f" {line.text[1:]}" if line.kind == "failing" else line.text for line in block)
    lines: list[Spans] = [[]]
    for token, text in _lexer().get_tokens(code):
        role = _colour(str(token))
        for place, piece in enumerate(text.split("\n")):
            if place:
                lines.append([])
            if piece:
                lines[-1].append((role, piece))
    lines += [[] for _ in range(len(block) - len(lines))]
    return [
        _plain_line(line) if line.kind == "failing" else spans
        for line, spans in zip(block, lines, strict=False)
    ]


def stacks(case: Case) -> list[Spans]:
    """Where every thread was when the test was cut off."""
    return [[frame(line)] for line in frames(case.stacks)]
