"""The first line: what runs, how far it is, what failed, for how long, in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render import words
from itdash.render.charts import bar
from itdash.render.spans import spread
from itdash.render.spans import width as wide
from itdash.render.text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.state.run import RunState

_BAR_LEAST, _BAR_MOST = 6, 40
_NOTE_LEAST: Final = 13
_VERDICTS: Final = {"passed": "passed", "failed": "failed", "error": "failed"}


def line(
    state: RunState, now: int, width: int, paint: Paint, *, paused: bool = False, note: Sequence[Span] = (),
    standing: int = 0, stale: bool = False,
) -> Spans:  # fmt: skip
    """The header in so many columns; what is told elsewhere too goes first where there is no room.

    `standing` tests failed in an earlier run and were not run in this one; `stale` tells that the files are
    others now.
    """
    left: Spans = [("title", " itdash"), ("plain", "  ")]
    role, word = _phase(state, paint)
    if stale and state.finished:
        role, word = "dim", f"{state.finished.verdict} before"
    elif role == "passed" and standing:
        role, word = "failed", f"{paint.glyph('failed')} failing still"
    sign = paint.glyph("cut")
    when = ("dim", f"  {clock(state.finished.t if state.finished else now)}")
    right: Spans = [when, ("plain", "  "), (role, word), ("plain", " ")]
    if paused:
        right = [("near", f"  {paint.glyph('paused')} display paused"), *right]
    if not state.collected and not state.cases:
        left.append(("dim", words.count(state.found, "test") + " found" if state.found else ""))
        return spread(left, _noted(note, left, right, width, sign), width, sign)
    counts = _counts(state, standing)
    # A file that cannot be collected stands among the tests, as one that failed: it is counted like them.
    files = _uncollected(state)
    total, done = len(state.cases) + files, state.finished_cases + files
    tests: Spans = [("plain", f"{done:,}/{total:,}")]
    if wide(left) + wide(tests) + wide(counts) + wide(right) > width:
        left = [("plain", " ")]
    if wide(left) + wide(tests) + wide(counts) + wide(right) > width:
        right.remove(when)
    if counts and wide(left) + wide(tests) + wide(counts) + wide(right) > width:
        tests = []
    right = _noted(note, [*left, *tests, *counts], right, width, sign)
    told = [("dim", f"{words.count(len(state.suites), 'suite')}  "), *tests]
    room = width - wide(left) - wide(right) - wide(told) - wide(counts) - 4
    if room >= _BAR_LEAST:
        drawn = _bar(state, done, total, min(_BAR_MOST, room), paint)
        told = [*told[:1], *drawn, ("plain", " "), *tests]
    elif width < 100:
        told = tests
    return spread([*left, *told, *counts], right, width, sign)


def _noted(note: Sequence[Span], left: Spans, right: Spans, width: int, sign: str) -> Spans:
    """The right end with a note, of which at least the begin is there."""
    if not note:
        return right
    room = max(_NOTE_LEAST, width - wide(left) - wide(right) - 2)
    return [("plain", "  "), *((role, cut(text, room, sign)) for role, text in note), *right]


def _bar(state: RunState, done: int, total: int, places: int, paint: Paint) -> Spans:
    """How far it is, and which part of that failed."""
    full, empty = bar(done / total if total else 0.0, places, paint.glyph("bar"), paint.glyph("empty"))
    failed = -(-(len(state.failing) + _uncollected(state)) * places // total) if total else 0
    failed = min(failed, len(full))
    sign = paint.glyph("bar")
    return [("failed", sign * failed), ("passed", sign * (len(full) - failed)), ("frame", empty)]


def _counts(state: RunState, standing: int) -> Spans:
    failing = len(state.failing)
    uncollected = _uncollected(state)
    spans: Spans = []
    if failing:
        spans.append(("failed", f"  {failing:,} failing"))
    if uncollected:
        spans.append(("failed", f"  {words.count(uncollected, 'file')} not collected"))
    if standing:
        spans.append(("failed", f"  {standing:,} failing before"))
    if state.finished and not spans:
        skipped = state.tally["skipped"] + state.tally["xfailed"]
        if skipped:
            spans.append(("skipped", f"  {skipped:,} skipped"))
    return spans


def _uncollected(state: RunState) -> int:
    """How many files cannot be collected; each worker may tell of the same one."""
    return len({problem.node for problem in state.uncollected if problem.outcome == "failed"})


def _phase(state: RunState, paint: Paint) -> tuple[str, str]:
    end = state.finished
    if end is not None:
        role = _VERDICTS.get(end.verdict, "crashed")
        return role, f"{paint.glyph(role)} {end.verdict}"
    if state.requests:
        return "crashed", f"{paint.glyph('running')} stopping"
    if not state.processes:
        return "dim", f"{paint.glyph('pending')} starting"
    if not state.collected:
        return "running", f"{paint.glyph('running')} collecting"
    return "running", f"{paint.glyph('running')} running"


def clock(ns: int) -> str:
    """Minutes and seconds, which keep their width."""
    seconds = ns // 1_000_000_000
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes:02d}:{left:02d}"
