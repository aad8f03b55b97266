"""Requirements at a glance: a sentence, a bar, and those that need a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.spans import (
    Spans,  # a field of a record
    pad,
    push,
)
from itdash.render.spans import width as wide
from itdash.render.text import one_line
from itdash.state.cases import FAILING
from itdash.state.requirements import FAILED, RUNNING, SKIPPED, UNTESTED, VERIFIED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.render.paint import Paint
    from itdash.state.requirements import Line, Result, SuiteMatrix

_ORDER: Final = (VERIFIED, FAILED, RUNNING, UNTESTED, SKIPPED)
ROLES: Final = {
    VERIFIED: "passed", FAILED: "failed", RUNNING: "running", UNTESTED: "pending", SKIPPED: "skipped",
}  # fmt: skip
GLYPHS: Final = {
    VERIFIED: "passed", FAILED: "failed", RUNNING: "running", UNTESTED: "pending", SKIPPED: "skipped",
}  # fmt: skip
_BAR_LEAST, _BAR_MOST = 8, 24


class Shown(NamedTuple):
    """A line, and the tests that it is about."""

    spans: Spans
    tests: tuple[str, ...] = ()
    about: str = ""


def lines(matrix: Sequence[SuiteMatrix], width: int, paint: Paint, whole: bool = False) -> list[Shown]:
    """The sum of all, then a line for each requirement, those first that need a look; maybe their tests."""
    if not matrix:
        return []
    leaves = [(suite, line) for suite in matrix for line in suite.leaves]
    counts = {status: sum(line.status == status for _, line in leaves) for status in _ORDER}
    drawn = [Shown(_sum(counts, len(leaves), width, paint))]
    several = len(matrix) > 1
    room = min(
        max(6, width // 3), max((len(_named(suite, line, several)) for suite, line in leaves), default=6)
    )
    worst = {FAILED: 0, RUNNING: 1, UNTESTED: 2, SKIPPED: 3, VERIFIED: 4}
    for suite, line in sorted(leaves, key=lambda pair: worst[pair[1].status]):
        name = _named(suite, line, several)
        tests = tuple(result.id for result in line.tests)
        drawn.append(Shown(_line(name, line, room, width, paint), tests, name))
        if whole:
            drawn += [_test(result, paint) for result in line.tests]
    for suite in matrix:
        for unknown in suite.unknown:
            text = f"{paint.glyph('failed')} {one_line(unknown.id)}  no such requirement"
            text += f": {unknown.hint}" if unknown.hint else ""
            tests = tuple(result.id for result in unknown.tests)
            drawn.append(Shown([("failed", text)], tests, one_line(unknown.id)))
    return drawn


def _test(result: Result, paint: Paint) -> Shown:
    outcome = result.outcome or "not run"
    role = "failed" if outcome in FAILING else "passed" if outcome == "passed" else "pending"
    told = [
        ("plain", "      "),
        (role, f"{paint.glyph(role)} "),
        ("dim", f"{one_line(result.id)}  {outcome}"),
    ]
    return Shown(told, (result.id,), one_line(result.id))


def _sum(counts: dict[str, int], total: int, width: int, paint: Paint) -> Spans:
    spans: Spans = []
    for status in _ORDER:
        if counts[status] or status == VERIFIED:
            spans += [("plain", "  " * bool(spans)), (ROLES[status], f"{counts[status]:,} {status}")]
    places = min(_BAR_MOST, width - wide(spans) - 2)
    if total and places >= _BAR_LEAST:
        spans.append(("plain", "  "))
        used = 0
        for status in _ORDER:
            upto = sum(counts[one] for one in _ORDER[: _ORDER.index(status) + 1]) * places // total
            glyph = "bar" if status in (VERIFIED, FAILED) else "empty"
            spans.append((ROLES[status], paint.glyph(glyph) * (upto - used)))
            used = upto
    return spans


def _named(suite: SuiteMatrix, line: Line, several: bool) -> str:
    return one_line(f"{suite.suite} {line.row.id}" if several else line.row.id)


def _line(id: str, line: Line, room: int, width: int, paint: Paint) -> Spans:
    tests = len(line.tests)
    told = "no test" if not tests else f"{tests:,} test{'s' * (tests > 1)}"
    return [
        (ROLES[line.status], f"{paint.glyph(GLYPHS[line.status])} "),
        ("strong" if line.status != VERIFIED else "plain", pad(id, room, paint.glyph("cut"))),
        ("plain", " "),
        (
            "dim" if line.status == VERIFIED else "plain",
            pad(one_line(line.row.title), max(0, width - room - 12), paint.glyph("cut")),
        ),
        ("dim", push(told, 9)),
    ]
