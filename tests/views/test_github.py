"""Lines that GitHub Actions reads: what is in them, that nothing leaves them, and how many they are."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.events import model
from itdash.events.journal import replay
from itdash.runner.execution import Reading
from itdash.state import fold
from itdash.views.github import Annotation, Annotations

if TYPE_CHECKING:
    from conftest import Project

LINE = re.compile(r"::(?:error (?:\w+=[^:,\r\n]*(?:,|(?=::)))+|notice title=itdash)::[^\r\n]*")


def printed(events: list[model.AnyEvent], workspace: str = "/project") -> list[str]:
    stream = io.StringIO()
    Annotations(stream, workspace).end(fold.replay(events), Path(), Reading(0, 0))
    return stream.getvalue().splitlines()


def test_every_line_of_a_recorded_run_is_one_that_is_read(journal: Path) -> None:
    events = replay(journal)[0]
    lines = printed(events)
    assert all(LINE.fullmatch(line) for line in lines)
    state = fold.replay(events)
    failed = len(state.failing) + sum(one.outcome == "failed" for one in state.uncollected)
    assert len(lines) == (failed if failed <= 10 else 11)


def test_a_failure_names_file_and_line_of_where_it_failed() -> None:
    events = replay(Path(__file__).parents[1] / "journals" / "mixed")[0]
    (line,) = (line for line in printed(events) if "title=test_fails failed" in line)
    assert line.startswith("::error file=tests/unit/test_mixed.py,line=7,title=test_fails failed::")
    assert "they differ" in line
    inside = printed(events, "/project/tests")
    assert any(line.startswith("::error file=unit/test_mixed.py,line=7,") for line in inside)
    elsewhere = printed(events, "/other")
    assert any(line.startswith("::error file=tests/unit/test_mixed.py,line=7,") for line in elsewhere)


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_nothing_that_a_test_says_leaves_its_line(title: str, message: str, file: str) -> None:
    line = str(Annotation(title or "t", message, file, 3))
    assert LINE.fullmatch(line)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", line)


def test_special_characters_are_escaped() -> None:
    line = str(Annotation("a:b,c%", "100%\r\nover: it, is\x1b[2J", "x:y.py"))
    assert line == r"::error file=x%3Ay.py,title=a%3Ab%2Cc%25::100%25%0Aover: it, is\x1b[2J"


def test_a_broken_budget_of_a_suite_and_a_gate_are_told() -> None:
    suites = (model.SuiteSpec("a", "", ("a",), {"read": ("count == 1",)}),)
    events: list[model.AnyEvent] = [
        model.RunStarted(0, 1, "run", 0.0, "/p", "/p", (), "0", "3", "linux", suites),
        model.CasesCollected(0, 0, (model.CollectedCase("a/test_a.py::test_a"),)),
        model.CaseStarted(0, 0), model.StageFinished(1, 0, "call", "passed", 1, "passed"),
        model.CaseFinished(1, 0),
    ]  # fmt: skip
    passed = [*events, model.RunFinished(2, "passed", 0)]
    assert printed(passed) == []
    broken = [*events, model.RunFinished(2, "failed", 99, "whatever")]
    assert printed(broken) == ["::error title=budget of suite a::read: count == 1 not judged: read never ran"]
    other = [model.RunFinished(2, "failed", 99, "8 of 10 requirements verified")]
    assert printed([*other]) == ["::error title=gate::8 of 10 requirements verified"]


@pytest.mark.parametrize("machine", ["true", ""])
def test_a_run_prints_them_only_there(project: Project, machine: str) -> None:
    project.write("tests/test_it.py", "def test_fails():\n    assert 0, 'broken: by, design'\n")
    ran = project.launch(GITHUB_ACTIONS=machine, GITHUB_WORKSPACE=str(project.folder))
    line = "::error file=tests/test_it.py,line=2,title=test_fails failed::AssertionError: broken: by, design"
    assert (line in ran.out) == bool(machine)
    assert ran.code == 1
