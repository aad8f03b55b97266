"""Mistakes, and runs without much to tell: what `itdash launch` says then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran


def test_pytest_exit_with_0_inside_a_test_is_no_success(project: Project) -> None:
    project.write(
        "test_it.py",
        "import pytest\ndef test_a(): pass\ndef test_b(): pytest.exit('enough', returncode=0)\n",
    )
    ran = project.launch()
    assert (ran.code, ran.summary["verdict"]) == (2, "interrupted")


def from_below(project: Project, *arguments: str) -> Ran:
    """The command as it is given in the folder `tests`, with the runs of the project."""
    here = project.folder
    project.folder = here / "tests"
    try:
        ran = project.launch(*arguments)
    finally:
        project.folder = here
    return ran._replace(project=here)


@pytest.fixture
def rootless(project: Project) -> Project:
    """A project whose root pytest finds anew in every folder."""
    (project.folder / "pytest.ini").unlink()
    (project.folder / ".git").mkdir()
    project.write("tests/sub/test_it.py", "def test_good(): pass\ndef test_bad(): assert 0\n")
    return project


def test_what_failed_last_is_found_from_any_folder(rootless: Project) -> None:
    assert rootless.launch("tests").code == 1
    assert {case["id"] for case in rootless.launch("tests").summary["cases"]} == {
        "tests/sub/test_it.py::test_good", "tests/sub/test_it.py::test_bad",
    }  # fmt: skip
    below = from_below(rootless, "--last-failed")
    assert [case["id"] for case in below.summary["cases"]] == ["sub/test_it.py::test_bad"]
    assert rootless.launch("tests", "--last-failed").outcomes() == {"test_bad": "failed"}


def test_a_suite_has_one_name_from_any_folder(rootless: Project) -> None:
    names = {case["suite"] for case in rootless.launch("tests").summary["cases"]}
    names |= {case["suite"] for case in from_below(rootless).summary["cases"]}
    assert names == {"tests/sub"}


def test_where_nothing_is_left_of_what_failed_last_all_run(project: Project) -> None:
    project.write("test_it.py", "def test_good(): pass\ndef test_bad(): assert 0\n")
    assert project.launch().code == 1
    project.write("test_it.py", "def test_good(): pass\ndef test_renamed(): assert 0\n")
    for workers in ([], ["-n", "2"]):
        again = project.launch("--last-failed", "-k", "not nothing", *workers)
        if not workers:
            assert again.outcomes() == {"test_good": "passed", "test_renamed": "failed"}
            assert "none of the 1 test that failed last is among these; all run" in again.out
        else:
            assert again.outcomes() == {"test_renamed": "failed"}


def test_a_declared_suite_without_tests_is_told(project: Project) -> None:
    project.write("tests/full/test_it.py", "def test_it(): pass\n")
    project.write("tests/empty/readme.txt", "nothing\n")
    project.write(
        "itdash.toml",
        '[suites.full]\npaths = "tests/full"\n[suites.empty]\ntitle = "Empty one"\npaths = "tests/empty"\n',
    )
    assert "- suite Empty one: no tests\n" in project.launch("--ascii").out
    assert "no tests" not in project.launch("--suite", "full").out
    assert "no tests" not in project.launch("tests/full").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "file or directory not found: nope"),
        (["-k", "a and"], "Wrong expression passed to '-k': a and"),
        (["--", "--no-such-option"], "unrecognized arguments: --no-such-option"),
    ],
    ids=["path", "expression", "option"],
)
def test_a_mistake_is_told_without_pytests_banner(project: Project, arguments: list[str], told: str) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    ran = project.launch(*arguments)
    assert ran.code == 4
    assert told in ran.out
    assert "platform linux" not in ran.out
    assert "no reason known" not in ran.out
    assert "CRASHED" not in ran.out


SUITE_LINES = {
    "passed": ("def test_it(): pass", "+ project  1 passed"),
    "skipped": ("import pytest\ndef test_it(): pytest.skip('why')", "- project  0 passed, 1 skipped"),
    "interrupted": (
        "import pytest\ndef test_a(): pass\ndef test_it(): pytest.exit('why')",
        "- project  1 passed, 1 interrupted",
    ),
    "expected": (
        "import pytest\ndef test_a(): pass\n@pytest.mark.xfail\ndef test_it(): assert 0",
        "+ project  1 passed, 1 xfailed",
    ),
}


@pytest.mark.parametrize(("code", "line"), SUITE_LINES.values(), ids=SUITE_LINES.keys())
def test_a_tick_stands_only_where_something_passed(project: Project, code: str, line: str) -> None:
    project.write("test_it.py", code)
    told = [
        text.rpartition("  ")[0] for text in project.launch("--ascii").out.splitlines() if "project " in text
    ]
    assert line in told


@pytest.mark.parametrize(
    ("option", "told"),
    [("--collect-only", "test_it.py::test_it"), ("--version", "pytest "), ("--fixtures", "tmp_path")],
)
def test_what_pytest_was_asked_to_show_is_shown(project: Project, option: str, told: str) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    ran = project.launch("--ascii", "--", option, *(["-q"] if option == "--collect-only" else []))
    assert (ran.code, ran.summary["verdict"]) == (0, "passed")
    assert told in ran.out.partition("\n")[2]
    assert "!" not in [line[:1] for line in ran.out.splitlines()]


@pytest.mark.parametrize("arguments", [["-x"], ["-k", "nothing_like_it"]], ids=["limit", "none"])
def test_the_sign_of_a_crash_stands_only_at_crashes(project: Project, arguments: list[str]) -> None:
    project.write("test_it.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    ran = project.launch("--ascii", *arguments)
    assert ran.code in (1, 5)
    assert "!" not in [line[:1] for line in ran.out.splitlines()]


def test_a_subtest_that_fails_has_its_reason_at_once(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import unittest
        class TestIt(unittest.TestCase):
            def test_sub(self):
                with self.subTest(i=1):
                    assert 1 == 2, "one is not two"
        """,
    )
    lines = project.launch("--ascii").out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("x FAILED"))
    assert "one is not two" in lines[place + 1]
