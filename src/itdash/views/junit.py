"""A recorded run as JUnit XML, by the schema of Jenkins' xunit plugin (junit-10.xsd), which GitLab reads too.

That schema has no properties of a test: requirements and budgets are properties of its suite.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from itdash.errors import GATE
from itdash.events.model import StageFinished
from itdash.measure.units import format_value
from itdash.render.document import failures, run
from itdash.render.failures import detail_of, headline
from itdash.render.text import head_and_tail, inert
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.document.failures import Block
    from itdash.render.document.run import Recording, Suite, Test
    from itdash.state.run import RunState

_LINES: Final = 400
_LONGEST: Final = 100_000
_MESSAGE: Final = 1_000
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SKIP: Final = re.compile(r"\('.*', \d+, (['\"])(?:Skipped: )?(.*)\1\)", re.S)
"""How pytest writes where and why a test was skipped."""

_LAYOUT: Final = {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
_FAILURE: Final = {"failed": "failure", "error": "error", "crashed": "error", "timed out": "error"}
_PASSED: Final = frozenset({"passed", "xpassed"})
_CUT_OFF: Final = frozenset({"interrupted", run.UNFINISHED})


def document(recording: Recording) -> str:
    """The document; a run that did not pass has at least one failure or error in it."""
    state = recording.state
    seen: set[tuple[str, str]] = set()
    suites = [_Suite(recording, suite, seen) for suite in recording.suites]
    rest = _Rest(state, any(suite.failures + suite.errors for suite in suites))
    counts = {
        "tests": sum(suite.tests for suite in suites) + len(rest.lines),
        "failures": sum(suite.failures for suite in suites),
        "errors": sum(suite.errors for suite in suites) + len(rest.lines),
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    attributes = _attributes(name="itdash", **counts, time=_seconds(run.duration(state)))
    lines.append(f"<testsuites{attributes}>")
    for suite in suites:
        lines += suite.lines
    lines += rest.suite(recording)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


class _Suite:
    """A suite as lines, and its counts."""

    def __init__(self, recording: Recording, suite: Suite, seen: set[tuple[str, str]]) -> None:
        self.tests = len(suite.tests)
        self.failures = self.errors = self.skipped = 0
        self._seen = seen
        cases = [line for test in suite.tests for line in self._test(test)]
        self.lines = [
            _opening(recording, suite.title, self.tests, self.failures, self.errors, self.skipped,
                     suite.duration),
            *_properties(recording, suite), *cases, "</testsuite>",
        ]  # fmt: skip

    def _test(self, test: Test) -> Iterator[str]:
        """One test; ids that become the same name keep apart, for readers take the first of two only."""
        case = test.case
        classname, name = names(case.id)
        if (classname, name) in self._seen:
            name = case.id
        self._seen.add((classname, name))
        head = _attributes(classname=classname, name=name, time=_seconds(case.duration, 6))
        inside = [*self._outcome(test), *_earlier(test), *_output(test)]
        if not inside:
            yield f"<testcase{head}/>"
            return
        yield f"<testcase{head}>"
        yield from inside
        yield "</testcase>"

    def _outcome(self, test: Test) -> Iterator[str]:
        case, outcome = test.case, test.outcome
        if case.failing or outcome in _CUT_OFF:
            element = _FAILURE.get(outcome, "error")
            self.failures += element == "failure"
            self.errors += element == "error"
            told = [block for block in failures.blocks(case) if not block.captured]
            message = headline(case) or outcome
            yield _element(element, "\n".join(_text(block) for block in told), message, outcome)
        elif outcome not in _PASSED:
            self.skipped += 1
            word = {"skipped": "pytest.skip", "xfailed": "pytest.xfail"}.get(outcome, outcome)
            yield _element("skipped", "", _reason(test), word)


def names(nodeid: str) -> tuple[str, str]:
    """A node id as the names that pytest gives a class and a test in its own JUnit file."""
    head, bracket, rest = nodeid.partition("[")
    file, *parts = head.split("::")
    classname = ".".join([file.removesuffix(".py").replace("/", "."), *parts[:-1]])
    return classname, (parts[-1] if parts else file) + bracket + rest


def _reason(test: Test) -> str:
    for stage in last_attempt(test.case).values():
        detail = detail_of(stage.detail)
        if detail.wasxfail or stage.outcome == "skipped":
            told = detail.wasxfail or (detail.crash.message if detail.crash else "") or detail.longrepr
            place = _SKIP.fullmatch(told)
            return place[2] if place else told
    return test.case.cause


def _earlier(test: Test) -> Iterator[str]:
    """Attempts that failed before the last one."""
    kind = "flaky" if test.outcome == "passed" else "rerun"
    for report in test.case.reports:
        if isinstance(report, StageFinished) and report.category == "rerun":
            detail = detail_of(report.detail)
            message = detail.crash.message if detail.crash else ""
            element = f"{kind}{'Failure' if report.stage == 'call' else 'Error'}"
            trace = f"<stackTrace>{_escaped(_short(detail.longrepr))}</stackTrace>"
            yield f"<{element}{_attributes(message=message, type='rerun')}>{trace}</{element}>"


def _output(test: Test) -> Iterator[str]:
    """What a failing test printed."""
    if not test.case.failing:
        return
    captured = {block.title: block for block in failures.blocks(test.case) if block.captured}
    for title, element in (("captured stdout", "system-out"), ("captured stderr", "system-err")):
        if title in captured:
            yield f"<{element}>{_escaped(_text(captured[title]))}</{element}>"


# -- suites --


def _opening(
    recording: Recording, name: str, tests: int, failed: int, errors: int, skipped: int, duration: int
) -> str:
    started = recording.state.run.started if recording.state.run else 0.0
    try:
        moment = f"{datetime.fromtimestamp(started, UTC):%Y-%m-%dT%H:%M:%S}+00:00"
    except (OverflowError, ValueError, OSError):
        moment = ""
    attributes = _attributes(
        name=name, tests=tests, failures=failed, errors=errors, skipped=skipped, time=_seconds(duration),
        timestamp=moment,
    )  # fmt: skip
    return f"<testsuite{attributes}>"


def _properties(recording: Recording, suite: Suite) -> Iterator[str]:
    """Where the figures are from; what each test claims; what became of each budget."""
    pairs = [("run", recording.name), ("suite", suite.name)]
    for test in suite.tests:
        pairs += [(f"requirement:{id}", f"{test.outcome}: {test.case.id}") for id in test.requirements]
        for event in test.budgets:
            value = "" if event.measured is None else format_value(event.measured, event.dimension)
            told = f"{event.verdict}: {value or 'nothing'} measured, n={event.n:,}: {test.case.id}"
            pairs.append((f"budget:{event.operation}: {event.limit}", told))
    for matrix in recording.matrices:
        if matrix.suite == suite.name:
            pairs += [(f"requirement-status:{line.row.id}", line.status) for line in matrix.lines]
    yield "<properties>"
    yield from (f"<property{_attributes(name=name, value=value)}/>" for name, value in pairs)
    yield "</properties>"


class _Rest:
    """What failed and is no test: files, pytest itself, and a verdict that no test explains."""

    def __init__(self, state: RunState, told: bool) -> None:
        self.lines: list[str] = []
        for failure in failures.every(state):
            if failure.case is None:
                text = "\n".join(_text(block) for block in failure.blocks)
                name = failure.id or "pytest"
                self._add(name, _element("error", text, failure.cause or failure.outcome, failure.outcome))
        verdict = run.verdict(state)
        gate = state.finished is not None and state.finished.exit_code == GATE
        if verdict != "passed" and (gate or not (told or self.lines)):
            reason = state.finished.reason if state.finished else "the recording has no end"
            self._add("verdict", _element("error", "", reason or verdict, verdict))

    def _add(self, name: str, element: str) -> None:
        head = _attributes(classname="itdash", name=name, time=_seconds(0))
        self.lines.append(f"<testcase{head}>{element}</testcase>")

    def suite(self, recording: Recording) -> Sequence[str]:
        """These as a suite of their own; nothing if there are none."""
        if not self.lines:
            return ()
        number = len(self.lines)
        opening = _opening(recording, "outside of tests", number, 0, number, 0, 0)
        return [opening, *self.lines, "</testsuite>"]


# -- text --


def _element(name: str, text: str, message: str, kind: str) -> str:
    return f"<{name}{_attributes(message=message[:_MESSAGE], type=kind)}>{_escaped(text)}</{name}>"


def _attributes(**values: str | int) -> str:
    return "".join(f" {name}={quoteattr(_legal(str(value)), _LAYOUT)}" for name, value in values.items())


def _text(block: Block) -> str:
    return _short(block.text)


def _short(text: str) -> str:
    """At most so much of a text, from both its ends."""
    short = "\n".join(head_and_tail(text, _LINES))
    if len(short) <= _LONGEST:
        return short
    half = _LONGEST // 2
    return f"{short[:half]}\n[... {len(short) - 2 * half:,} characters left out ...]\n{short[-half:]}"


def _escaped(text: str) -> str:
    return escape(_legal(text))


def _legal(text: str) -> str:
    """The text without what no XML may hold, also not as a reference; each such sign as its code."""
    return _NO_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", inert(text))


def _seconds(ns: int, places: int = 3) -> str:
    """The schema has three places at most for suites; tests may have more."""
    return f"{max(0, ns) / 1e9:.{places}f}"
