"""The page: what a run tells, handed to the template; the browser knows style and script by their hashes."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from itdash.render import changes, words
from itdash.render.document import failures, run, tables
from itdash.render.document.run import SECTIONS
from itdash.render.text import inert, one_line
from itdash.views.html import pictures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.document.failures import Failure
    from itdash.render.document.run import Recording, Suite, Test
    from itdash.render.document.tables import Table
    from itdash.state.comparison import Comparison
    from itdash.views.html.svg import Picture

_HERE: Final = Path(__file__).parent
_ROWS: Final = 1_000
_FAILURES: Final = 500
_WHOLE: Final = 100
"""So many failures have their tracebacks, the others their cause."""

_LINES, _CAPTURED = 120, 40
_LONGEST: Final = 300
_WORDS: Final = {
    "passed": "passed verified kept xpassed",
    "failed": "failed error failing broken",
    "crashed": "crashed interrupted unfinished",
    "skipped": "skipped xfailed untested",
    "flaky": "rerun",
}
_ROLES: Final = {
    **{word: role for role, every in _WORDS.items() for word in every.split()},
    "never ran": "failed", "unknown id": "failed", "cannot be collected": "failed",
    "internal error of pytest": "failed", "timed out": "crashed", "not run": "skipped",
    "skipped only": "skipped", "too few samples": "skipped",
}  # fmt: skip


class File(NamedTuple):
    """The tests of one file, as the template wants them."""

    name: str
    told: str
    open: bool
    rows: list[tuple[str, str, str, str, str, int, str]]


class Part(NamedTuple):
    """A suite for the template."""

    title: str
    told: str
    files: list[File]
    tables: list[Table]


class Told(NamedTuple):
    """A failure for the template."""

    id: str
    outcome: str
    cause: str
    blocks: list[tuple[str, str]]
    command: str


class Required(NamedTuple):
    """The requirements of a suite for the template."""

    table: Table
    picture: Picture | None


def document(recording: Recording, title: str = "", sections: Sequence[str] = SECTIONS) -> str:
    """The whole file."""
    state = recording.state
    name = run.project(state)
    every: dict[str, Any] = {
        "title": title or (f"Test summary: {name}" if name else "Test summary"),
        "shown": _shown(recording, sections),
        "most_rows": _ROWS,
    }
    if recording.changes is not None:
        every |= _changes(recording.changes)
    suites = recording.suites
    every |= _overview(recording, suites)
    if "suites" in sections:
        every |= _suites(recording, suites)
    if "performance" in sections:
        every |= _performance(recording)
    if "requirements" in sections:
        every["requirements"] = list(_requirements(recording))
    if "failures" in sections:
        every["failures"] = list(_failures(recording))
        every["more_failures"] = max(0, failures.count(state) - _FAILURES)
    every["resources"] = [tables.peaks(state), tables.leaks(state, _ROWS)]
    every["environment"] = tables.environment(recording)
    return str(_template().render(every))


def _shown(recording: Recording, sections: Sequence[str]) -> list[str]:
    """The sections that were asked for and have something to tell."""
    state = recording.state
    empty = set()
    if recording.changes is None:
        empty.add("changes")
    if not state.cases:
        empty.add("suites")
    if not (state.operations.operations or any(case.attempts for case in state.cases.values())):
        empty.add("performance")
    if not recording.matrices:
        empty.add("requirements")
    if not failures.count(state):
        empty.add("failures")
    if not (state.resources.peak or state.resources.leaks or state.orphans):
        empty.add("resources")
    return [name for name in SECTIONS if name in sections and name not in empty]


def _changes(found: Comparison) -> dict[str, Any]:
    word, why = changes.headline(found)
    return {
        "changed": f"{word.capitalize()}{': ' if why else ''}{why}", "baseline": found.base.name,
        "baseline_told": changes.side(found.base), "remarks": changes.remarks(found),
        "changes": [part.table for part in changes.parts(found)],
    }  # fmt: skip


def _overview(recording: Recording, suites: list[Suite]) -> dict[str, Any]:
    state = recording.state
    verdict, counted = run.headline(state)
    return {
        "verdict": verdict, "counted": counted, "name": recording.name, "began": run.started(state),
        "facts": run.facts(recording), "reservations": run.reservations(recording), "suites": (),
        "outcomes": tables.outcomes(suites), "flaky": tables.flaky(state, _ROWS),
    }  # fmt: skip


# -- suites --


def _suites(recording: Recording, suites: list[Suite]) -> dict[str, Any]:
    places = {failure.id: place for place, failure in enumerate(failures.every(recording.state), 1)}
    links = {id: place for id, place in places.items() if place <= _FAILURES}
    return {
        "suites": [_part(suite, links) for suite in suites],
        "claimed": bool(recording.state.requirements.claims),
        "results": list(dict.fromkeys(test.outcome for suite in suites for test in suite.tests)),
    }


def _part(suite: Suite, links: dict[str, int]) -> Part:
    found: dict[str, list[Test]] = {}
    for test in suite.tests:
        found.setdefault(test.case.file, []).append(test)
    counts = ", ".join(f"{number:,} {word}" for word, number in suite.outcomes.items())
    return Part(
        suite.title,
        f"{words.count(len(suite.tests), 'test')}: {counts}, in {run.took(suite.duration)}",
        [_file(name, tests, links, few=len(suite.tests) <= 50) for name, tests in found.items()],
        [tables.measured_in(suite.tests), tables.budgets(suite.tests)],
    )


def _file(name: str, tests: list[Test], links: dict[str, int], *, few: bool) -> File:
    failing = sum(test.case.failing for test in tests)
    told = words.count(len(tests), "test") + (f", {failing:,} failing" if failing else "")
    rows = []
    for test in tests:
        case, outcome = test.case, test.outcome
        again = case.attempts > 1
        role = _ROLES.get(outcome, "plain") if outcome != "passed" else "flaky" if again else ""
        result = f"{outcome}, attempt {case.attempts}" if again else outcome
        time = run.took(case.duration) if case.attempts else "-"
        claims = one_line(", ".join(test.requirements), _LONGEST)
        title, doc = one_line(case.title, _LONGEST), one_line(case.doc, _LONGEST)
        rows.append((role, title, doc, result, time, links.get(case.id, 0), claims))
    return File(name, told, few or bool(failing), rows)


# -- the rest --


def _performance(recording: Recording) -> dict[str, Any]:
    state = recording.state
    return {
        "performance": [
            tables.operations(state, _ROWS), tables.by_label(state, _ROWS), tables.suite_budgets(state),
            tables.counts(state), tables.stages(state), tables.slowest(state, 10),
        ],
        "latencies": pictures.latencies(recording),
        "levels": pictures.in_flight(recording),
        "timeline": pictures.timeline(recording),
    }  # fmt: skip


def _requirements(recording: Recording) -> Iterator[Required]:
    titles = recording.state.names.titles
    for suite in recording.matrices:
        table = tables.requirements(suite)
        yield Required(table._replace(title=titles.get(suite.suite, suite.suite)), pictures.matrix(suite))


def _failures(recording: Recording) -> Iterator[Told]:
    for place, failure in enumerate(failures.every(recording.state)):
        if place == _FAILURES:
            return
        command = run.alone(recording.state, failure.id) if failure.case else ""
        blocks = list(_blocks(failure)) if place < _WHOLE else []
        yield Told(failure.id, failure.outcome, one_line(failure.cause, 500), blocks, command)


def _blocks(failure: Failure) -> Iterator[tuple[str, str]]:
    for block in failure.blocks:
        yield block.title, "\n".join(block.lines(_CAPTURED if block.captured else _LINES))


# -- the template --


@lru_cache(maxsize=1)
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["line"] = lambda text: one_line(str(text), 2_000)
    environment.filters["inert"] = inert
    environment.filters["role"] = lambda word: _ROLES.get(str(word).partition(",")[0], "plain")
    for name, file in (("style", "page.css"), ("script", "page.js")):
        text = (_HERE / file).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        environment.globals[name] = Markup(text)  # a file of ours, nothing foreign in it
        environment.globals[f"{name}_hash"] = f"sha256-{digest}"
    return environment.get_template("page.html.j2")
