"""What is told of a test, in the panel and in the sections, as lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.events import model
from itdash.events.journal import replay
from itdash.render import detail
from itdash.render.failures import detail_of
from itdash.render.inspect import course, failure, frame, measured, output
from itdash.render.paint import Paint
from itdash.render.spans import plain
from itdash.render.spans import width as wide
from itdash.render.text import columns
from itdash.state import fold
from itdash.state.cases import Case
from itdash.state.outline import Node, Outline
from itdash.state.requirements import of_run
from itdash.state.run import RunState
from itdash.views.tui.palette import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from itdash.render.spans import Spans

GLYPHS, ASCII = Paint(False, False), Paint(False, True)
ACTIVE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

LONG = """def test_deep():
        print("before")
>       assert total([3, 4]) == 7
               ^^^^^^^^^^^^^

tests/test_shop.py:29:\x20
_ _ _ _ _ _ _

prices = [3, 4]

    def total(prices):
        # in order
>       raise ValueError("too much")
E       ValueError: too much

tests/test_shop.py:12: ValueError"""


def told(lines: Iterable[Spans]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def stage(
    name: str, outcome: str, duration: int, category: str = "", **detail: object
) -> model.StageFinished:
    raw = msgspec.Raw(msgspec.json.encode(detail)) if detail else model.NOTHING
    return model.StageFinished(0, 0, name, outcome, duration, category, raw)  # type: ignore[arg-type]


def failed(longrepr: str, **more: object) -> Case:
    reports = (stage("call", "failed", 5, "failed", longrepr=longrepr, **more),)
    return Case("t.py::t", "t", 3, (), "failed", attempts=1, durations=(1, 5, 1), reports=reports)


def nodes(journal: Path) -> tuple[RunState, list[Node]]:
    events = replay(journal)[0]
    state, outline = RunState(), Outline()
    fold.apply_all(state, events)
    outline.take(state, events)
    return state, list(outline.tests.values())


# -- a traceback --


def test_each_line_of_a_traceback_is_known_for_what_it_is() -> None:
    kinds = [(line.kind, line.text.strip()) for line in detail.traced(LONG) if line.text.strip()]
    assert [kind for kind, _ in kinds] == [
        "source", "source", "failing", "carets", "place", "rule", "plain", "source", "source", "failing",
        "error", "place",
    ]  # fmt: skip
    assert next(detail.traced(LONG)).text == "    def test_deep():"  # as far right as the lines below it


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("E         - wanted", "-"), ("E         + got", "+"), ("E         ?  ^^", "?"), ("E         +", "+"),
        ("E        +  where 3 = len([1])", "error"), ("E        +  and   4 = f()", "error"),
        ("E       assert -1 == 1", "error"), ("E", "error"), ("Else", "plain"),
    ],
)  # fmt: skip
def test_lines_of_a_difference_are_told_from_words(line: str, kind: str) -> None:
    (found,) = detail.traced(line)
    assert found.kind == kind
    assert found.text == line  # the sign stays


def test_source_has_colours_and_the_line_that_failed_stands_out() -> None:
    lines = failure.failure(failed(LONG))
    (broken,) = [line for line in lines if "raise ValueError" in plain(line)]
    assert broken[0] == ("failed", ">")
    assert {role for role, _ in broken[1:]} == {"strong"}
    (comment,) = [line for line in lines if "# in order" in plain(line)]
    assert ("dim", "# in order") in comment
    assert told(lines) == told(failure.failure(failed(LONG), coloured=False))


@given(st.text(st.sampled_from("\n\t >E-+?_:^'\"#(){}[]\\\x1b\x00a1é漢\u202e")))
def test_any_failure_is_drawn_without_losing_lines(text: str) -> None:
    coloured = failure.failure(failed(text))
    assert told(coloured) == told(failure.failure(failed(text), coloured=False))
    assert not any(ACTIVE.search(plain(line)) for line in coloured)


def test_the_copied_failure_is_bounded_and_inert() -> None:
    text = failure.failure_text(failed("\x1b]52;c;aGk=\x07" + "E   x\n" * 100_000))
    assert len(text) < 60_000
    assert "characters left out" in text
    assert "\x1b" not in text and "\\x1b]52" in text


# -- lines in a width --


@given(
    st.lists(st.tuples(st.just("plain"), st.text(st.sampled_from("ab  c漢é")))),
    st.integers(min_value=6, max_value=40),
)
def test_wrapping_loses_nothing_and_keeps_the_width(line: Spans, width: int) -> None:
    lines = frame.wrapped([line], width)
    assert all(wide(spans) <= width for spans in lines)
    rest = "".join(plain(spans)[4:] for spans in lines[1:])
    assert (plain(lines[0]) + rest) == plain(line)


def test_words_are_kept_together() -> None:
    first, second = frame.wrapped([[("plain", "the fault stands in functionality")]], 26)
    assert plain(first).rstrip() == "the fault stands in"
    assert plain(second) == "    functionality"


@pytest.mark.parametrize("current", range(7))
def test_all_sections_are_named_in_eighty_columns(current: int) -> None:
    for paint in (GLYPHS, ASCII):
        line = plain(frame.tabs(current, {0, 4, 5}, paint))
        assert columns(line) <= 80
        assert f"[{current + 1} {frame.SECTIONS[current]}" in line
        assert line.count("[") == line.count("]") == 1


# -- whole runs --


def every_line(state: RunState, node: Node, paint: Paint) -> list[Spans]:
    case = node.case
    lines = detail.lines(node, state, state.t, paint)
    lines += measured.measured(node, state, paint) + measured.requirements(node, state, of_run(state), paint)
    if case is not None and case.outcome:
        lines += (
            failure.failure(case)
            + failure.stacks(case)
            + output.output(case)
            + course.stages(case, 76, paint)
        )
    return lines


def test_every_line_of_every_test_is_inert_and_of_known_roles(journal: Path) -> None:
    state, found = nodes(journal)
    for node in found:
        for paint in (GLYPHS, ASCII):
            for line in every_line(state, node, paint):
                assert not ACTIVE.search(plain(line)), node.id
                assert {role for role, _ in line} <= set(VARIABLES)
        telling = frame.filled(node, state)
        assert (frame.FAILURE in telling) >= (node.case is not None and node.case.failing)
        assert (frame.OUTPUT in telling) == (node.case is not None and bool(output.output(node.case)))
        assert (frame.STACKS in telling) == (node.case is not None and bool(node.case.stacks))


@pytest.fixture
def run(request: pytest.FixtureRequest) -> tuple[RunState, dict[str, Node]]:
    from tests_support import ROOT

    state, found = nodes(ROOT / "tests" / "journals" / request.param)
    return state, {node.name: node for node in found}


Run = tuple[RunState, dict[str, Node]]


@pytest.mark.parametrize("run", ["mixed"], indirect=True)
def test_the_panel_tells_outcome_reason_and_the_line_that_failed(run: Run) -> None:
    state, found = run
    lines = told(detail.lines(found["test_fails"], state, state.t, GLYPHS))
    assert lines[0].startswith("✗ failed  tests/unit/test_mixed.py::test_fails")
    assert lines[1].startswith("AssertionError: they differ")
    assert any(line.startswith(">") for line in lines)
    assert len(lines) <= 45


@pytest.mark.parametrize("run", ["crashes"], indirect=True)
def test_a_test_that_was_cut_off_shows_the_running_thread_and_its_own_frame_first(run: Run) -> None:
    case = run[1]["test_hangs"].case
    assert case is not None
    lines = failure.failure(case)
    assert plain(lines[0]).startswith("no end after")
    frames = [line for line in lines if "in test_hangs" in plain(line)]
    assert [role for role, _ in frames[0]] == ["strong"]
    threads = [plain(line) for line in lines if "(most recent call first)" in plain(line)]
    assert threads[0].startswith(("Current thread", "Thread"))
    assert len(failure.stacks(case)) >= len(frames)


@pytest.mark.parametrize("run", ["measured"], indirect=True)
def test_operations_budgets_and_requirements_of_a_test(run: Run) -> None:
    state, found = run
    lines = told(measured.measured(found["test_too_slow"], state, GLYPHS))
    assert lines[0].split() == ["operation", "n", "errors", "p50", "p95", "max"]
    assert lines[1].split()[:3] == ["scrape", "1", "0"]
    assert lines[1].split()[3:5] == ["-", "-"]  # one sample carries no percentile
    assert any(line.startswith("✗ broken  scrape: max < 1ms") for line in lines)
    assert any(re.search(r"measured \S+ms  n 1  \d+% of the limit", line) for line in lines)
    matrix = of_run(state)
    assert "✗ failing  4.2" in told(measured.requirements(found["test_too_slow"], state, matrix, GLYPHS))[0]
    unknown = told(measured.requirements(found["test_unknown_requirement"], state, matrix, GLYPHS))[0]
    assert unknown.startswith("✗ 4.9  no such requirement")


# -- how it went --


def retried() -> Case:
    crash = {"path": "/p/t.py", "lineno": 7, "message": "AssertionError: only 1"}
    reports = (
        stage("call", "rerun", 3_000_000, "rerun", crash=crash),
        stage("call", "rerun", 4_000_000, "rerun", crash={**crash, "lineno": 9}),
        stage("call", "passed", 5_000_000, "passed", stdout="third"),
    )
    durations = (1_000_000, 5_000_000, 2_000_000)
    return Case("t.py::t", "t", 3, (), "passed", attempts=3, durations=durations, reports=reports)


def test_attempts_stand_side_by_side_and_what_differed_is_marked() -> None:
    case = retried()
    assert [(one.number, one.outcome, one.failed_in) for one in course.attempts(case)] == [
        (1, "failed", "call"), (2, "failed", "call"), (3, "passed", ""),
    ]  # fmt: skip
    lines = told(course.stages(case, 120, GLYPHS))
    rows = {line[2:].split()[0]: line for line in lines if line.strip()}
    assert re.search(r"attempt 1 +attempt 2 +attempt 3", "\n".join(lines))
    assert rows["outcome"].startswith("~") and rows["where"].startswith("~")
    assert rows["where"].split()[2:] == ["t.py:7", "t.py:9", "-"]
    assert not rows["call"].startswith("~")  # no two attempts take the same time
    assert "  attempt 1: AssertionError: only 1" in lines


def test_a_test_that_passed_at_last_shows_why_it_failed_before() -> None:
    again = stage("call", "rerun", 1, "rerun", longrepr="E   once more")
    first = stage("call", "rerun", 1, "rerun", longrepr="E   at first")
    case = Case(
        "t.py::t", "t", 3, (), "passed", attempts=4, durations=(1, 1, 1), reports=(first, again, again)
    )
    lines = [line for line in told(failure.failure(case)) if line]
    assert lines == ["attempt 1 of 4, in call", "E   at first", "attempt 3 of 4, in call", "E   once more"]


def test_attempts_without_room_are_said_to_be_missing() -> None:
    lines = told(course.stages(retried(), 60, GLYPHS))
    assert any(line.startswith("1 earlier attempt not shown") for line in lines)
    assert all(columns(line) <= 76 for line in lines)


class Seen(NamedTuple):
    run: str
    started: float
    outcome: str
    duration: int
    attempts: int = 1


def test_history_is_a_line_of_glyphs_and_of_heights() -> None:
    past = [
        Seen("1", 0.0, "failed", 100), Seen("2", 0.0, "passed", 800, 2), Seen("3", 0.0, "timed out", 400),
        Seen("4", 0.0, "passed", 800),
    ]  # fmt: skip
    for paint, glyphs, heights in ((GLYPHS, "✗ ~ ☠ ✓", "▁ █ ▄ █"), (ASCII, "x ~ ! +", ". @ = @")):
        lines = told(course.history(past, 80, paint))
        assert lines[0].removeprefix("outcome").strip() == glyphs
        assert lines[1].removeprefix("took").strip() == heights
        assert "4 runs" in lines[2] and "passed in 2" in lines[2]
        assert "passed" in lines[4] and "failed" in lines[7]  # newest first
    assert course.history([], 80, GLYPHS) == []


# -- what it printed --


def test_a_text_that_was_cut_is_named_with_its_file() -> None:
    whole = {
        "stdout": {"file": "output/a-1-stdout.txt", "characters": 5_000_000},
        "stderr": {"characters": 9},
    }
    case = failed("E   x", stdout="head\n...\ntail", stderr="lost", whole=whole)
    lines = told(output.output(case))
    assert any("5,000,000 characters" in line and "output/a-1-stdout.txt" in line for line in lines)
    assert any("could not be kept" in line for line in lines)
    assert [one.file for one in output.wholes(case)] == ["output/a-1-stdout.txt", ""]
    assert output.printed(detail_of(case.reports[0].detail)) == [
        ("stdout", "head\n...\ntail"), ("stderr", "lost"),
    ]  # fmt: skip
