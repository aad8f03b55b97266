"""A recorded run as a summary in Markdown, in the shape of those that people write by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from itdash.render import changes, gfm, words
from itdash.render.document import failures, run, tables
from itdash.render.document.run import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from itdash.render.document.failures import Failure
    from itdash.render.document.run import Recording, Suite
    from itdash.render.document.tables import Cell, Column, Table


class Detail(msgspec.Struct, frozen=True):
    """How much is told; a limit of 0 leaves the thing out."""

    traceback: int = 40
    captured: int = 15
    failures: int = 100
    passed: bool = True
    measured: bool = True
    evidence: int = 6
    rows: int = 200
    suites: bool = True
    only_overview: bool = False


SHORTER: Final[tuple[tuple[str, Callable[[Detail], Detail]], ...]] = (
    ("output that failing tests printed", partial(replace, captured=0)),
    ("tracebacks beyond 12 lines", partial(replace, traceback=12)),
    ("what was measured in each test", partial(replace, measured=False)),
    ("tests that passed, one by one", partial(replace, passed=False)),
    ("tracebacks", partial(replace, traceback=0)),
    ("rows of tables beyond 20, evidence beyond 2 tests", partial(replace, rows=20, evidence=2)),
    ("failures beyond 10", partial(replace, failures=10)),
    ("the tables of suites", partial(replace, suites=False)),
    ("all but the overview", partial(replace, only_overview=True)),
)
"""What is left out to keep within a size, in this order."""


class TooSmall(Exception):
    """Not even the overview is within the limit; `least` is its size in bytes."""

    def __init__(self, least: int) -> None:
        super().__init__(least)
        self.least = least


def document(
    recording: Recording, title: str = "", sections: Sequence[str] = SECTIONS, max_size: int = 0
) -> str:
    """The document, of at most `max_size` bytes if that is not 0."""
    detail, left_out = Detail(), list[str]()
    text = _text(recording, title, sections, detail, left_out)
    for what, shorten in SHORTER:
        if not max_size or len(text.encode()) <= max_size:
            return text
        left_out.append(what)
        detail = shorten(detail)
        text = _text(recording, title, sections, detail, left_out)
    size = len(text.encode())
    if max_size and size > max_size:
        raise TooSmall(size)
    return text


def _text(
    recording: Recording, title: str, sections: Sequence[str], detail: Detail, left_out: Sequence[str]
) -> str:
    lines = [f"# {gfm.plain(title) if title else _title(recording)}", ""]
    for name, section in _SECTIONS.items():
        if name in sections and (name == "overview" or not detail.only_overview):
            lines += section(recording, detail)
        if name == "overview":
            lines += _left_out(left_out)
    return "\n".join(lines)


def _title(recording: Recording) -> str:
    name = run.project(recording.state)
    return f"Test summary: {gfm.plain(name)}" if name else "Test summary"


def _left_out(left_out: Sequence[str]) -> Iterator[str]:
    if left_out:
        yield "To keep within the size that was asked for, these are left out:"
        yield ""
        yield from (f"- {what}" for what in left_out)
        yield ""


# -- sections --


def _overview(recording: Recording, detail: Detail) -> Iterator[str]:
    state = recording.state
    yield "## Overview"
    yield ""
    word, rest = run.headline(state)
    yield f"**{word.capitalize()}**: {gfm.plain(rest, 600)}"
    yield ""
    began = run.started(state)
    when = f", begun {began}" if began else ""
    yield f"- Every figure is from the journal of run {gfm.code(recording.name)}{when}"
    found = recording.suites
    yield from (f"- {gfm.plain(fact)}" for fact in run.facts(recording))
    yield from (f"- {gfm.plain(text, 600)}" for text in run.reservations(recording))
    yield ""
    if len(found) > 1 and not detail.only_overview:
        yield from _table(tables.outcomes(found), detail, heading="")
    yield from _table(tables.flaky(state, detail.rows), detail)


def _changes(recording: Recording, detail: Detail) -> Iterator[str]:
    found = recording.changes
    if found is None:
        return
    word, why = changes.headline(found)
    yield "## Changes"
    yield ""
    yield f"**{word.capitalize()}**{': ' if why else ''}{gfm.plain(why, 600)}"
    yield ""
    yield f"Held against {gfm.code(found.base.name)}: {gfm.plain(changes.side(found.base), 600)}"
    yield ""
    for part in changes.parts(found):
        yield from _table(part.table, detail)
    told = changes.remarks(found)
    if told:
        yield from (f"- {gfm.plain(remark, 600)}" for remark in told)
        yield ""


def _suites(recording: Recording, detail: Detail) -> Iterator[str]:
    found = recording.suites
    if not found or not detail.suites:
        return
    yield "## Suites"
    yield ""
    claimed = bool(recording.state.requirements.claims)
    for suite in found:
        yield from _suite(suite, detail, claimed)


def _suite(suite: Suite, detail: Detail, claimed: bool) -> Iterator[str]:
    counts = ", ".join(f"{number:,} {gfm.plain(word)}" for word, number in suite.outcomes.items())
    yield f"### {gfm.plain(suite.title)}"
    yield ""
    yield f"{words.count(len(suite.tests), 'test')}: {counts}, in {run.took(suite.duration)}."
    yield ""
    shown = [test for test in suite.tests if detail.passed or test.outcome != "passed"]
    if shown:
        yield from _table(tables.tests(shown, claimed), detail, heading="", whole=detail.passed)
    if detail.measured:
        yield from _table(tables.measured_in(suite.tests), detail)
    yield from _table(tables.budgets(suite.tests), detail)


def _performance(recording: Recording, detail: Detail) -> Iterator[str]:
    state = recording.state
    every = [
        tables.operations(state, detail.rows), tables.by_label(state, detail.rows),
        tables.suite_budgets(state), tables.counts(state), tables.stages(state), tables.slowest(state, 10),
    ]  # fmt: skip
    if any(table.rows for table in every):
        yield "## Performance"
        yield ""
        for table in every:
            yield from _table(table, detail)


def _requirements(recording: Recording, detail: Detail) -> Iterator[str]:
    suites = recording.matrices
    if suites:
        yield "## Requirements"
        yield ""
    for suite in suites:
        table = tables.requirements(suite, detail.evidence)
        yield f"### {gfm.plain(recording.state.names.titles.get(suite.suite, suite.suite))}"
        yield ""
        yield from _table(table, detail, heading="")


def _failures(recording: Recording, detail: Detail) -> Iterator[str]:
    state = recording.state
    number = failures.count(state)
    if number:
        yield "## Failures"
        yield ""
    for place, failure in enumerate(failures.every(state)):
        if place == detail.failures:
            break
        yield from _failure(recording, failure, detail)
    if number > detail.failures:
        yield f"{words.count(number - detail.failures, 'more failure')} not shown."
        yield ""


def _failure(recording: Recording, failure: Failure, detail: Detail) -> Iterator[str]:
    yield (
        f"### {gfm.code(failure.id)} {failure.outcome}"
        if failure.id
        else f"### {failure.outcome.capitalize()}"
    )
    yield ""
    if failure.cause:
        yield f"Cause: {gfm.code(failure.cause, 500)}"
        yield ""
    for block in failure.blocks:
        most = detail.captured if block.captured else detail.traceback
        if most:
            yield f"{gfm.plain(block.title.capitalize())}:"
            yield ""
            yield from gfm.block(block.lines(most))
    command = run.alone(recording.state, failure.id) if failure.case else ""
    if command:
        yield f"Alone: {gfm.code(command, 1_000)}"
        yield ""


def _resources(recording: Recording, detail: Detail) -> Iterator[str]:
    every = [tables.peaks(recording.state), tables.leaks(recording.state, detail.rows)]
    if any(table.rows for table in every):
        yield "## Resources"
        yield ""
        for table in every:
            yield from _table(table, detail)


def _environment(recording: Recording, detail: Detail) -> Iterator[str]:
    yield "## Environment"
    yield ""
    yield from _table(tables.environment(recording), detail, heading="", widest=2_000)


_SECTIONS: Final[dict[str, Callable[[Recording, Detail], Iterable[str]]]] = dict(
    zip(
        SECTIONS,
        (_overview, _changes, _suites, _performance, _requirements, _failures, _resources, _environment),
        strict=True,
    )
)


# -- tables --


def _table(
    table: Table,
    detail: Detail,
    *,
    heading: str | None = None,
    whole: bool = False,
    widest: int = gfm.LONGEST,
) -> Iterator[str]:
    """A table with its title in bold before it; nothing if it has no rows."""
    if not table.rows:
        return
    title = table.title if heading is None else heading
    if title:
        yield f"**{title}**"
        yield ""
    shown = table.rows if whole else table.rows[: max(detail.rows, 1)]
    draw = [_DRAWN[column.kind] for column in table.columns]
    rows = (
        gfm.row([one(value, widest) for one, value in zip(draw, values, strict=True)]) for values in shown
    )
    yield from gfm.table(
        [gfm.plain(column.head) for column in table.columns],
        [_right(column) for column in table.columns],
        rows,
    )
    if len(shown) < len(table.rows):
        yield f"{words.count(len(table.rows) - len(shown), 'more row')} not shown."
        yield ""
    if table.more:
        yield table.more
        yield ""


def _right(column: Column) -> bool:
    return column.kind == tables.NUMBER


def _code(value: Cell, widest: int) -> str:
    return gfm.cell(value, widest) if isinstance(value, str) else _codes(value, widest)


def _codes(value: Cell, widest: int) -> str:
    return ", ".join(gfm.cell(str(part), widest) for part in ((value,) if isinstance(value, str) else value))


def _evidence(value: Cell, widest: int) -> str:
    parts = [pair for pair in value if isinstance(pair, tuple)]
    return ", ".join(f"{gfm.cell(id, widest)} {gfm.plain(outcome)}".strip() for id, outcome in parts)


def _plain(value: Cell, widest: int) -> str:
    return gfm.plain(str(value), widest)


_DRAWN: Final[dict[str, Callable[[Cell, int], str]]] = {
    tables.CODE: _code, tables.CODES: _codes, tables.EVIDENCE: _evidence, tables.TEXT: _plain,
    tables.WORD: _plain, tables.NUMBER: lambda value, _: str(value),
}  # fmt: skip
