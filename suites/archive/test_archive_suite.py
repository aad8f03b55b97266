"""What the tests of this suite cover, read from their marks; and how long they take together."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from archive_support import BEGAN, unrecorded
from test_archive_2_errors import PROTECTED
from vodshelf import errors
from vodshelf.errors import ArchiveError

from itdash import probe

HERE = Path(__file__).parent
SEVEN = {
    "test_complete_vod_processing_workflow",
    "test_user_authentication_workflow",
    "test_database_service_integration",
    "test_api_service_integration",
    "test_service_failure_recovery",
    "test_concurrent_access_scenarios",
    "test_system_performance_under_load",
}
"""The scenarios by name."""
LONG = {"test_system_performance_under_load", "test_service_failure_recovery"}
"""Of these one takes its time, and the other needs an archive of its own."""
NEVER_TOLD = {"ArchiveError", "Rejected", "LeaseLost", "AlreadyThere", "StartError", "BadMedia"}
"""Errors that do not leave the archive as an answer: bases, and what is caught inside."""


class Written(NamedTuple):
    """A test as it stands in its file."""

    file: str
    name: str
    requirements: frozenset[str]
    budgets: tuple[str, ...]


def written() -> list[Written]:
    """Every test of the suite with its marks, those of its class and those of its module."""
    return [
        test
        for file in sorted(HERE.glob("test_*.py"))
        for test in _in(ast.parse(file.read_text()), file.name, frozenset())
    ]


def _in(node: ast.AST, file: str, inherited: frozenset[str]) -> list[Written]:
    found = []
    body = getattr(node, "body", [])
    for part in body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "pytestmark":
            inherited |= _named(ast.unparse(part.value), "requirement")
    for part in body:
        marks = " ".join(map(ast.unparse, getattr(part, "decorator_list", [])))
        if isinstance(part, ast.ClassDef):
            found += _in(part, file, inherited | _named(marks, "requirement"))
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test_"):
            budgets = re.findall(r"mark\.budget\('([^']+)'", marks)
            found.append(Written(file, part.name, inherited | _named(marks, "requirement"), tuple(budgets)))
    return found


def _named(marks: str, mark: str) -> frozenset[str]:
    calls = re.findall(rf"mark\.{mark}\(([^)]*)\)", marks)
    return frozenset(name for call in calls for name in re.findall(r"'([^']+)'", call))


def lines() -> dict[str, str]:
    """The lines of the phases: their ids, with their phase."""
    given = tomllib.loads((HERE / "requirements.toml").read_text())["requirement"]
    return {one["id"]: one["tags"][0].removeprefix("phase") for one in given if "parent" in one}


@pytest.mark.requirement("ARCHIVE-METRIC-1")
def test_each_line_of_the_phases_has_three_tests() -> None:
    tests = written()
    counts = {line: sum(line in test.requirements for test in tests) for line in lines()}
    assert len(counts) == 32
    assert {line: count for line, count in counts.items() if count < 3} == {}


@pytest.mark.requirement("ARCHIVE-METRIC-2")
def test_each_type_of_error_is_provoked() -> None:
    text = "".join(file.read_text() for file in HERE.glob("test_archive_[2-4b]*.py"))
    types = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, ArchiveError) and name not in NEVER_TOLD
    }
    assert len(types) == 14
    missing = {name for name in types if not re.search(rf"\d\d\d (\w+\|)*{name}|{name}: ", text)}
    assert missing == set()


@pytest.mark.requirement("ARCHIVE-METRIC-3")
def test_each_performance_scenario_has_budgets() -> None:
    for line, phase in lines().items():
        if phase == "4" and line.startswith("4.2."):
            measured = [test for test in written() if line in test.requirements and test.budgets]
            assert measured, line


@pytest.mark.requirement("ARCHIVE-METRIC-4")
def test_each_route_with_a_role_is_among_those_that_are_tried_without() -> None:
    source = "".join(file.read_text() for file in (HERE / "vodshelf" / "api").glob("*.py"))
    declared = re.findall(r'Endpoint\("(\w+)", f?"?([^",]+)"?, self\.\w+, "(\w+)"\)', source)
    tried = {(method, role) for role, routes in PROTECTED.items() for method, _ in routes}
    assert len(declared) == sum(map(len, PROTECTED.values())) == 22
    assert {(method, role) for method, _, role in declared} == tried


@pytest.mark.requirement("ARCHIVE-METRIC-7")
def test_every_test_says_what_it_proves() -> None:
    given = tomllib.loads((HERE / "requirements.toml").read_text())["requirement"]
    known = {one["id"] for one in given}
    for test in written():
        assert test.requirements, test
        assert test.requirements <= known, test


@pytest.mark.requirement("ARCHIVE-METRIC-9")
def test_there_are_enough_tests_and_the_seven_among_them() -> None:
    names = [test.name for test in written()]
    assert len(names) >= 50
    assert set(names) >= SEVEN


@pytest.mark.requirement("ARCHIVE-RUNNER-1")
def test_each_phase_has_files_of_its_own() -> None:
    of_lines = lines()
    for test in written():
        phase = re.match(r"test_archive_(\d)_", test.file)
        if phase is not None:
            own = {of_lines[name] for name in test.requirements if name in of_lines}
            assert phase[1] in own, test


@pytest.mark.requirement("ARCHIVE-METRIC-8")
def test_scenarios_pass_in_reverse_order_as_well() -> None:
    tests = [test for test in written() if test.name in SEVEN - LONG]
    backwards = [_node(test) for test in reversed(tests)]
    command = [sys.executable, "-m", "pytest", "-v", "--no-header", *backwards]
    run = subprocess.run(
        command, env=unrecorded(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.findall(r"::(test_\w+) ([A-Z]+)", run.stdout)
    assert found == [(test.rpartition("::")[2], "PASSED") for test in backwards]


def _node(test: Written) -> str:
    tree = ast.parse((HERE / test.file).read_text())
    holder = next(
        part.name
        for part in tree.body
        if isinstance(part, ast.ClassDef) and any(getattr(one, "name", "") == test.name for one in part.body)
    )
    return f"{HERE / test.file}::{holder}::{test.name}"


@pytest.mark.requirement("ARCHIVE-METRIC-6")
@pytest.mark.budget("suite.all", "count == 1", "max < 10min")
def test_the_whole_suite_takes_less_than_ten_minutes(request: pytest.FixtureRequest) -> None:
    """From the first test of this suite until now; it is sorted behind all others."""
    files = {item.path.name for item in request.session.items if item.path.parent == HERE}
    if missing := {file.name for file in HERE.glob("test_*.py")} - files:
        pytest.skip(f"{len(missing)} files of the suite do not run in this session")
    began = request.config.stash[BEGAN]
    probe.record("suite.all", time.monotonic() - began)
