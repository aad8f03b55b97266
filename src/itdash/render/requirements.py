"""Requirements in lines: short for the end of a run, whole for the matrix."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from itdash.render import words
from itdash.render.text import columns, cut, one_line
from itdash.requirements.share import shown
from itdash.state.requirements import FAILED, RUNNING, SKIPPED, UNKNOWN, UNTESTED, VERIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.paint import Paint
    from itdash.state.requirements import Line, Result, SuiteMatrix, Unknown

_ROLES = {
    VERIFIED: "passed", FAILED: "failed", RUNNING: "plain", UNTESTED: "flaky", SKIPPED: "skipped",
    UNKNOWN: "failed",
}  # fmt: skip
_GLYPHS = {
    VERIFIED: "passed", FAILED: "failed", RUNNING: "running", UNTESTED: "skipped", SKIPPED: "skipped",
    UNKNOWN: "failed",
}  # fmt: skip
_OUTCOME_ROLES = {"passed": "passed", "xpassed": "passed", "failed": "failed", "error": "failed"}
_STATUS_WIDTH = max(map(len, _ROLES))
_OUTCOME_WIDTH = len("interrupted")
_ID_WIDTH, _ID_MOST, _TITLE_MOST = 24, 60, 160
_LISTED = 50


def share(verified: int, leaves: int) -> str:
    """`9 of 10 verified (90%)`, never rounded up."""
    if not leaves:
        return "none declared"
    return f"{verified:,} of {leaves:,} verified ({shown(Fraction(verified * 100, leaves))})"


def total(suites: Sequence[SuiteMatrix]) -> tuple[int, int]:
    """How many requirements without children are verified, and how many there are."""
    leaves = [line for suite in suites for line in suite.leaves]
    return sum(line.verified for line in leaves), len(leaves)


# -- the end of a run --


def report(suites: Sequence[SuiteMatrix], paint: Paint, width: int = 0) -> Iterator[str]:
    """For each suite what is not verified, with its title, and the ids of what is."""
    for suite in suites:
        role = _suite_role(suite)
        name = paint("strong", one_line(suite.suite))
        yield f"requirements of {name}: {paint(role, share(*total([suite])))}"
        for status in (FAILED, UNTESTED, SKIPPED, RUNNING):
            lines = [line for line in suite.lines if line.own == status]
            for line in lines[:_LISTED]:
                yield _row(paint, status, line.row.id, line.row.title, width)
            yield from _more(paint, len(lines) - _LISTED, status)
        for unknown in suite.unknown[:_LISTED]:
            yield _row(paint, UNKNOWN, unknown.id, _unknown_text(unknown), width)
        yield from _more(paint, len(suite.unknown) - _LISTED, UNKNOWN)
        yield from _verified(suite, paint)


def _suite_role(suite: SuiteMatrix) -> str:
    if suite.unknown or suite.having(FAILED):
        return "failed"
    verified, leaves = total([suite])
    return "passed" if verified == leaves else "flaky"


def _more(paint: Paint, left: int, status: str) -> Iterator[str]:
    if left > 0:
        yield paint("dim", f"    ... and {left:,} more {status}; all are in summary.json")


def _verified(suite: SuiteMatrix, paint: Paint) -> Iterator[str]:
    ids = [
        one_line(line.row.id, _ID_MOST, paint.glyph("cut")) for line in suite.lines if line.own == VERIFIED
    ]
    if ids:
        more = f" and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
        start = _status(paint, VERIFIED)
        for piece in _wrapped([*ids[:_LISTED]], 78 - 4 - _STATUS_WIDTH - 2, more):
            yield f"  {start}  {piece}"
            start = " " * (2 + _STATUS_WIDTH)


def _wrapped(ids: Sequence[str], width: int, more: str) -> Iterator[str]:
    line = ""
    for number, id in enumerate(ids):
        piece = id + ("," if number < len(ids) - 1 else more)
        if line and columns(line) + 1 + columns(piece) > width:
            yield line
            line = piece
        else:
            line = f"{line} {piece}".strip()
    yield line


def _row(paint: Paint, status: str, id: str, title: str, width: int, indent: int = 2) -> str:
    sign = paint.glyph("cut")
    name = one_line(id, _ID_MOST, sign)
    title = one_line(title, _TITLE_MOST, sign)
    if width:
        title = cut(title, max(0, width - indent - 2 - _STATUS_WIDTH - 2 - columns(name) - 2), sign)
    return f"{' ' * indent}{_status(paint, status)}  {paint('strong', name)}  {title}".rstrip()


def _status(paint: Paint, status: str) -> str:
    word = status.upper() if status in (FAILED, UNTESTED, UNKNOWN) else status
    return paint(_ROLES[status], f"{paint.glyph(_GLYPHS[status])} {word:<{_STATUS_WIDTH}}")


def _unknown_text(unknown: Unknown) -> str:
    first = unknown.tests[0].id
    more = f" and {len(unknown.tests) - 1} more" if len(unknown.tests) > 1 else ""
    hint = f"{unknown.hint}; " if unknown.hint else ""
    return f"{hint}named by {first}{more}"


# -- the matrix --


def matrix(suites: Sequence[SuiteMatrix], paint: Paint, runs: Sequence[str], width: int = 0) -> Iterator[str]:
    """Every requirement with its tests, and each test's last outcome with the number of its run."""
    used = {result.run for suite in suites for result in _results(suite) if result.run}
    numbers = {run: number for number, run in enumerate((run for run in runs if run in used), 1)}
    for suite in suites:
        files = ", ".join(map(one_line, suite.files)) or "no file of requirements"
        yield f"{paint('strong', one_line(suite.suite))}  {paint('dim', files)}"
        for line in suite.lines:
            yield from _whole_line(line, paint, numbers, width)
        for unknown in suite.unknown:
            yield _row(paint, UNKNOWN, unknown.id, unknown.hint, width)
            yield from (_test(result, paint, numbers, 6) for result in unknown.tests)
        yield f"  {paint(_suite_role(suite), share(*total([suite])))}{_unknown_count(suite)}"
        yield ""
    for run, number in numbers.items():
        yield paint("dim", f"run {number}: {run}{' (newest)' if run == runs[0] else ''}")


def _unknown_count(suite: SuiteMatrix) -> str:
    return f", {words.count(len(suite.unknown), 'unknown id')}" if suite.unknown else ""


def _results(suite: SuiteMatrix) -> Iterator[Result]:
    for line in suite.lines:
        yield from line.tests
    for unknown in suite.unknown:
        yield from unknown.tests


def _whole_line(line: Line, paint: Paint, numbers: dict[str, int], width: int) -> Iterator[str]:
    indent = 2 + 2 * min(line.depth, 10)
    title = line.row.title
    if not line.leaf:
        title = f"{title} ({line.verified} of {line.leaves})".strip()
    if line.row.source:
        title = f"{title} [{line.row.source}]".strip()
    yield _row(paint, line.status, line.row.id, title, width, indent)
    for result in line.tests:
        yield _test(result, paint, numbers, indent + 4)


def _test(result: Result, paint: Paint, numbers: dict[str, int], indent: int) -> str:
    outcome = paint(_OUTCOME_ROLES.get(result.outcome, "skipped"), f"{result.outcome:<{_OUTCOME_WIDTH}}")
    run = f"run {numbers[result.run]}" if result.run in numbers else "-"
    return f"{' ' * indent}{outcome}  {paint('dim', f'{run:<6}')}  {one_line(result.id)}"
