"""How a test went: its stages, its attempts side by side, and its last runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from itdash.events.model import NOTHING, StageFinished
from itdash.render import words
from itdash.render.charts import bar, spark
from itdash.render.failures import detail_of
from itdash.render.spans import pad, push
from itdash.render.text import cut, one_line
from itdash.state.cases import FAILING, last_attempt, stage_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.failures import StageDetail
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.cases import Case

_BAR: Final = 24
_ATTEMPT_LEAST, _ATTEMPT_MOST = 22, 34
_LABEL: Final = 10
_GLYPHS: Final = {"passed": "passed", "skipped": "skipped", "xfailed": "skipped", "not run": "pending"}


class Seen(Protocol):
    """What became of a test in one run."""

    @property
    def run(self) -> str:
        """The name of the run."""

    @property
    def started(self) -> float:
        """When the run began, in seconds since 1970."""

    @property
    def outcome(self) -> str:
        """Its outcome."""

    @property
    def duration(self) -> int:
        """How long it took, in nanoseconds."""

    @property
    def attempts(self) -> int:
        """How often it was tried."""


class Attempt(NamedTuple):
    """One try: its outcome, what is known of its stages, and the failure of the one that ended it."""

    number: int
    outcome: str
    durations: dict[str, int]
    failed_in: str
    detail: StageDetail


def attempts(case: Case) -> list[Attempt]:
    """The tries of which reports were kept, and the last one."""
    groups: list[list[StageFinished]] = [[]]
    for report in case.reports:
        if isinstance(report, StageFinished):
            groups[-1].append(report)
            if report.category == "rerun":
                groups.append([])
    first = max(1, case.attempts) - len(groups) + 1
    found = []
    for place, group in enumerate(groups):
        broken = next((report for report in group if report.outcome in ("failed", "rerun")), None)
        durations: dict[str, int] = {report.stage: report.duration for report in group}
        outcome = "failed" if broken is None or broken.stage == "call" else "error"
        if place == len(groups) - 1:
            durations = dict(zip(stage_names(case), case.durations, strict=False))
            outcome = case.outcome
        told = detail_of(broken.detail if broken else NOTHING)
        found.append(Attempt(first + place, outcome, durations, broken.stage if broken else "", told))
    return found


def stages(case: Case, width: int, paint: Paint) -> list[Spans]:
    """How long setup, call and teardown took, and what differed between attempts."""
    lines: list[Spans] = [[("dim", pad("stage", _LABEL) + push("took", 9))]]
    longest = max(case.durations, default=0)
    told = last_attempt(case)
    for name, took in zip(stage_names(case), case.durations, strict=False):
        outcome = told[name].outcome if name in told else "passed"
        full, empty = bar(took / longest if longest else 0, _BAR, paint.glyph("bar"), " ")
        role = "failed" if outcome == "failed" else "skipped" if outcome == "skipped" else "passed"
        lines.append([
            ("plain", pad(name, _LABEL)), ("strong", push(words.seconds(took, paint.ascii), 9)),
            ("chart", f"  {full}{empty}"), (role, f"  {paint.glyph(role)} {outcome}"),
        ])  # fmt: skip
    if case.outcome in ("crashed", "timed out", "interrupted"):
        text = f"{case.outcome} after {words.seconds(case.duration, paint.ascii)}: {one_line(case.cause)}"
        lines.append([("crashed", f"{paint.glyph('crashed')} {text}")])
    if case.attempts > 1:
        lines += [[("plain", "")], *_side_by_side(case, width, paint)]
    return lines


def _side_by_side(case: Case, width: int, paint: Paint) -> Iterator[Spans]:
    every = attempts(case)
    fit = max(1, (width - _LABEL - 2) // _ATTEMPT_LEAST)
    shown = every[-fit:]
    missing = words.count(case.attempts - len(shown), "earlier attempt")
    if len(shown) < case.attempts:
        yield [("dim", f"{missing} not shown: no report of it was kept, or there is no room")]
    room = min(_ATTEMPT_MOST, (width - _LABEL - 2) // len(shown))
    rows: dict[str, list[str]] = {
        "": [f"attempt {one.number}" for one in shown],
        "outcome": [one.outcome for one in shown],
        **{name: [_duration(one, name, paint) for one in shown] for name in ("setup", "call", "teardown")},
        "failed in": [one.failed_in or "-" for one in shown],
        "where": [_where(one.detail) for one in shown],
    }
    marked = False
    for label, cells in rows.items():
        kind = "strong" if not label else "plain"
        differs = label in ("outcome", "failed in", "where") and len(set(cells)) > 1
        marked = marked or differs
        yield [
            (
                "flaky" if differs else "dim",
                pad(f"{paint.glyph('flaky') if differs else ' '} {label}", _LABEL + 2),
            ),
            (kind, "".join(pad(cut(cell, room - 2, paint.glyph("cut")), room) for cell in cells)),
        ]
    for one in shown:
        if told := _what(one.detail):
            yield [("dim", f"  attempt {one.number}: "), ("plain", told)]
    if marked:
        yield [("dim", f"{paint.glyph('flaky')} marks what differed")]


def _duration(attempt: Attempt, name: str, paint: Paint) -> str:
    took = attempt.durations.get(name)
    return "-" if took is None else words.seconds(took, paint.ascii)


def _where(detail: StageDetail) -> str:
    place = detail.crash
    return f"{one_line(place.path).rpartition('/')[2]}:{place.lineno}" if place and place.path else "-"


def _what(detail: StageDetail) -> str:
    message = detail.crash.message if detail.crash else detail.longrepr
    return one_line(message.strip().partition("\n")[0])


def history(past: Sequence[Seen], width: int, paint: Paint) -> list[Spans]:
    """Its last runs, oldest first: a glyph and a height for each, then a line for each, newest first."""
    if not past:
        return []
    longest = max(one.duration for one in past)
    marks: Spans = [("dim", pad("outcome", _LABEL))]
    heights: Spans = [("dim", pad("took", _LABEL))]
    for one in past:
        role = _role(one)
        marks.append((role, f"{paint.glyph(role)} "))
        heights.append(("chart", f"{spark([one.duration], longest, paint.ascii)} "))
    passed = sum(one.outcome == "passed" for one in past)
    told = f"{words.count(len(past), 'run')}, oldest at the left; passed in {passed}"
    lines: list[Spans] = [
        marks, heights,
        [("dim", f"{told}, the longest took {words.seconds(longest, paint.ascii)}")],
        [("plain", "")],
    ]  # fmt: skip
    for one in reversed(past):
        role = _role(one)
        again = f"  {words.count(one.attempts, 'attempt')}" if one.attempts > 1 else ""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.started)) if one.started else ""
        full, _ = bar(
            one.duration / longest if longest else 0, min(_BAR, max(1, width - 60)), paint.glyph("bar"), ""
        )
        lines.append(
            [("dim", pad(when, 21)), (role, pad(f"{paint.glyph(role)} {one.outcome}", 14)),
             ("strong", push(words.seconds(one.duration, paint.ascii), 8)), ("chart", f"  {full}"),
             ("flaky", again)]
        )  # fmt: skip
    return lines


def _role(seen: Seen) -> str:
    if seen.outcome == "passed" and seen.attempts > 1:
        return "flaky"
    if seen.outcome in ("failed", "error"):
        return "failed"
    return "crashed" if seen.outcome in FAILING else _GLYPHS.get(seen.outcome, "skipped")
