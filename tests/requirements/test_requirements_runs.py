"""Requirements from the command line: whole runs, gates, the matrix, and plain pytest."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from itdash.requirements.marks import complaint, ids

if TYPE_CHECKING:
    from conftest import Project, Ran

REQUIREMENTS = """\
    [[requirement]]
    id = "4"
    title = "Scraping"

    [[requirement]]
    id = 4.1
    title = "A limit"
    parent = 4

    [[requirement]]
    id = "4.2"
    title = "A queue"
    parent = "4"
    """

TESTS = """\
    import os
    import pytest

    pytestmark = pytest.mark.requirement("4")

    @pytest.mark.requirement("4.1")
    class TestLimit:
        @pytest.mark.parametrize("n", [1, 2])
        def test_limit(self, n):
            pass

    @pytest.mark.requirement("4.2", "4.1")
    def test_queue():
        assert "BREAK" not in os.environ
        if "SKIP" in os.environ:
            pytest.skip("not today")
    """


@pytest.fixture
def scraping(project: Project) -> Project:
    """A project with one suite of three tests that verify all its requirements."""
    project.write("pyproject.toml", '[tool.itdash.suites.scraping]\npaths = "tests"\n')
    project.write("tests/requirements.toml", REQUIREMENTS)
    project.write("tests/test_it.py", TESTS)
    return project


def statuses(ran: Ran) -> dict[str, str]:
    """The status of each id in the summary of a run."""
    return {row["id"]: row["status"] for row in ran.summary["requirements"]}


def matrix(project: Project, *arguments: str) -> dict[str, Any]:
    """What `itdash requirements --json` says."""
    ran = project.itdash("requirements", "--json", *arguments)
    assert ran.code == 0, ran.err
    loaded: dict[str, Any] = json.loads(ran.out)
    return loaded


def test_marks_of_test_class_and_module_verify(scraping: Project) -> None:
    ran = scraping.launch("--require-coverage", "100%", "--strict-requirements")
    assert ran.code == 0, ran.out
    assert statuses(ran) == {"4": "verified", "4.1": "verified", "4.2": "verified"}
    first = ran.summary["requirements"][1]
    assert (first["suite"], first["title"], first["parent"]) == ("scraping", "A limit", "4")
    assert first["tests"] == [
        {"id": f"tests/test_it.py::{name}", "outcome": "passed"}
        for name in ("TestLimit::test_limit[1]", "TestLimit::test_limit[2]", "test_queue")
    ]
    assert "requirements of scraping: 2 of 2 verified (100%)\n" in ran.out


def test_in_workers_it_is_the_same(scraping: Project) -> None:
    ran = scraping.launch("-n", "2", "--strict-requirements")
    assert ran.code == 0, ran.out
    assert statuses(ran) == {"4": "verified", "4.1": "verified", "4.2": "verified"}


def test_a_gate_fails_a_run_that_passed(scraping: Project) -> None:
    ran = scraping.launch("--require-coverage", "50.1%", SKIP="1")
    assert ran.code == 99
    assert (ran.summary["verdict"], ran.summary["exit_code"]) == ("failed", 99)
    reason = "1 of 2 requirements verified (50%), 50.1% required; skipped only: 4.2"
    assert ran.summary["reason"] == reason
    assert reason in ran.out
    assert scraping.launch("--require-coverage", "50", SKIP="1").code == 0
    strict = scraping.launch("--strict-requirements", SKIP="1")
    assert (strict.code, strict.summary["reason"]) == (
        99, "not every requirement is verified; skipped only: 4.2",
    )  # fmt: skip


def test_an_unknown_id_is_loud_and_fails_only_the_strict_gate(scraping: Project) -> None:
    scraping.write("tests/test_more.py", "import pytest\n@pytest.mark.requirement('4.3')\ndef test(): pass\n")
    ran = scraping.launch("--require-coverage", "100%")
    assert ran.code == 0
    assert "UNKNOWN ID    4.3  did you mean '4.1'?" in ran.out or "did you mean '4.2'?" in ran.out
    assert statuses(ran)["4.3"] == "unknown id"
    assert scraping.launch("--strict-requirements").summary["reason"].endswith("unknown: 4.3")


def test_a_run_that_failed_keeps_its_own_code(scraping: Project) -> None:
    ran = scraping.launch("--require-coverage", "100%", "--strict-requirements", BREAK="1")
    assert (ran.code, ran.summary["reason"]) == (1, "")
    assert statuses(ran) == {"4": "failing", "4.1": "failing", "4.2": "failing"}
    assert "FAILING       4.1  A limit" in ran.out
    assert scraping.launch("--strict-requirements", "-k", "nothing").code == 5


def test_only_the_suites_that_run_count(scraping: Project) -> None:
    scraping.write(
        "pyproject.toml",
        """\
        [tool.itdash.suites.scraping]
        paths = "tests"
        groups = { one = "k:queue" }
        [tool.itdash.suites.other]
        paths = "other"
    """,
    )
    scraping.write("other/requirements.csv", "id;title\n4.1;Another limit\n")
    scraping.write("other/test_other.py", "def test_other(): pass\n")
    ran = scraping.launch("--strict-requirements")
    assert ran.code == 99
    assert ran.summary["reason"] == "not every requirement is verified; untested: other: 4.1"
    for chosen in (["--suite", "scraping"], ["tests"], ["tests/test_it.py"], ["--group", "one"]):
        ran = scraping.launch(*chosen, "--strict-requirements")
        assert {row["suite"] for row in ran.summary["requirements"]} == {"scraping"}
        assert ran.code == 0, ran.out


def test_tests_outside_of_all_suites_have_the_nearest_file_above(scraping: Project) -> None:
    scraping.write("other/requirements.csv", "id;title\n7;Another limit\n")
    marked = "import pytest\n@pytest.mark.requirement('7')\ndef test_other(): pass\n"
    scraping.write("other/deep/test_other.py", marked)
    ran = scraping.launch("other", "--strict-requirements")
    assert ran.code == 0, ran.out
    assert [(row["suite"], row["status"]) for row in ran.summary["requirements"]] == [("other", "verified")]
    ran = scraping.launch("--strict-requirements")
    assert {row["suite"] for row in ran.summary["requirements"]} == {"scraping"}
    assert scraping.launch("other", "--suite", "scraping").code == 5
    rows = matrix(scraping)["requirements"]
    assert [(row["suite"], row["id"], row["status"]) for row in rows] == [
        ("scraping", "4", "verified"), ("scraping", "4.1", "verified"), ("scraping", "4.2", "verified"),
        ("other", "7", "verified"),
    ]  # fmt: skip
    assert {row["suite"] for row in matrix(scraping, "--suite", "other")["requirements"]} == {"other"}
    assert "did you mean 'other'?" in scraping.itdash("requirements", "--suite", "othre").err


def test_without_suites_the_nearest_file_above_counts(project: Project) -> None:
    project.write("tests/requirements.toml", REQUIREMENTS)
    project.write("tests/deep/test_it.py", TESTS)
    project.write("tests/deeper/requirements.md", "| Requirement | Status |\n|-|-|\n| 4.1 - Own | ok |\n")
    project.write(
        "tests/deeper/test_own.py", "import pytest\n@pytest.mark.requirement('4.1')\ndef test(): pass\n"
    )
    ran = project.launch("--strict-requirements")
    assert ran.code == 0, ran.out
    assert [(row["suite"], row["id"], row["title"]) for row in ran.summary["requirements"]] == [
        ("tests", "4", "Scraping"), ("tests", "4.1", "A limit"), ("tests", "4.2", "A queue"),
        ("tests/deeper", "4.1", "Own"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--require-coverage", "0.9"], "write 0.9% or 90%"),
        (["--require-coverage", "most"], "'most' is no share"),
        (["--require-coverage"], "requires an argument"),
    ],
)
def test_a_wrong_gate_ends_the_command(scraping: Project, arguments: list[str], told: str) -> None:
    ran = scraping.launch(*arguments)
    assert ran.code == 4
    assert told in ran.err
    assert not (scraping.folder / ".itdash").exists()


@pytest.mark.parametrize("flag", [["--require-coverage", "0%"], ["--strict-requirements"]], ids=" ".join)
def test_a_gate_with_nothing_behind_it_ends_the_command(project: Project, flag: list[str]) -> None:
    project.write("test_it.py", "def test(): pass\n")
    ran = project.launch(*flag)
    assert ran.code == 4
    assert f"itdash: {flag[0]} needs requirements, and none are declared" in ran.err
    assert "write requirements.toml" in ran.err


def test_a_broken_file_ends_every_command_before_anything_runs(scraping: Project) -> None:
    file = scraping.write("tests/requirements.toml", '[[requirement]]\nid = "a\n')
    for command in ("launch", "requirements"):
        ran = scraping.itdash(command)
        assert ran.code == 4
        assert f"where: {file}:2\n" in ran.err
        assert "Traceback" not in ran.err
    assert not (scraping.folder / ".itdash").exists()


def test_a_project_without_requirements_hears_nothing_of_them(project: Project) -> None:
    project.write("test_it.py", "def test(): pass\n")
    ran = project.launch()
    assert ran.summary["requirements"] == []
    assert "requirement" not in ran.out


# -- the matrix --


def test_the_matrix_before_anything_ran(scraping: Project) -> None:
    ran = scraping.itdash("requirements")
    assert ran.code == 0
    assert "nothing was recorded yet: `itdash launch` runs the tests" in ran.out
    assert ran.out.count("UNTESTED") == 3
    assert not (scraping.folder / ".itdash").exists()


def test_the_matrix_takes_the_newest_result_of_each_test(scraping: Project) -> None:
    scraping.launch()
    first = scraping.launch(BREAK="1").folder.name
    second = scraping.launch("-k", "limit").folder.name
    told = matrix(scraping)
    assert [row["status"] for row in told["requirements"]] == ["failing", "failing", "failing"]
    assert (told["verified"], told["leaves"]) == (0, 2)
    by_test = {test["id"].rpartition("::")[2]: test for test in told["requirements"][1]["tests"]}
    assert (by_test["test_queue"]["outcome"], by_test["test_queue"]["run"]) == ("failed", first)
    assert by_test["test_limit[1]"]["run"] == second
    text = scraping.itdash("requirements").out
    assert f"run 1: {second} (newest)\nrun 2: {first}\n" in text
    assert "failed       run 2   tests/test_it.py::test_queue" in text


def test_the_matrix_follows_marks_and_files(scraping: Project) -> None:
    scraping.write("tests/test_gone.py", "import pytest\n@pytest.mark.requirement('9')\ndef test(): pass\n")
    scraping.launch()
    assert [row["id"] for row in matrix(scraping)["requirements"]] == ["4", "4.1", "4.2", "9"]
    (scraping.folder / "tests/test_gone.py").unlink()
    scraping.write("tests/test_it.py", TESTS.replace('"4.2", "4.1"', '"4.1"'))
    scraping.launch("-k", "queue")
    told = matrix(scraping)
    assert {row["id"]: row["status"] for row in told["requirements"]} == {
        "4": "untested", "4.1": "verified", "4.2": "untested",
    }  # fmt: skip
    assert told["notes"] == ["1 test left out: the file is no longer there"]
    scraping.write("tests/requirements.toml", '[[requirement]]\nid = "4.1"\n')
    assert [row["status"] for row in matrix(scraping)["requirements"]] == ["verified", "unknown id"]


def test_the_matrix_needs_no_summary_of_a_run(scraping: Project) -> None:
    folder = scraping.launch().folder
    for path in folder.iterdir():
        if path.name != "segments":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with (folder / "segments" / "pytest-1.jsonl").open("a") as segment:
        segment.write('{"kind": "CaseSta')
    assert matrix(scraping)["verified"] == 2


def test_the_matrix_of_one_suite(scraping: Project) -> None:
    assert {row["suite"] for row in matrix(scraping, "--suite", "scraping")["requirements"]} == {"scraping"}
    ran = scraping.itdash("requirements", "--suite", "scrapping")
    assert ran.code == 4
    assert "did you mean 'scraping'?" in ran.err


def test_a_matrix_of_nothing_says_what_to_do(project: Project) -> None:
    ran = project.itdash("requirements")
    assert ran.code == 0
    assert "write requirements.toml beside the tests" in ran.out
    assert "nothing was recorded yet" in ran.out


def test_the_matrix_in_colour_and_in_plain_signs(scraping: Project) -> None:
    scraping.launch()
    assert "\x1b[32m" in scraping.itdash("requirements", FORCE_COLOR="1").out
    plain = scraping.itdash("requirements", "--ascii").out
    assert plain.isascii()
    assert "\x1b" not in plain


# -- marks --


def test_plain_pytest_accepts_the_mark(scraping: Project) -> None:
    done = scraping.pytest("--strict-markers", "-W", "error", "-q", "tests")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert "@pytest.mark.requirement(*ids)" in scraping.pytest("--markers").stdout


WRONG = """\
    import pytest

    @pytest.mark.requirement(4.1)
    def test_a():
        pass

    @pytest.mark.requirement
    def test_b():
        pass

    def test_c():
        pass
    """


def test_a_wrong_mark_is_an_error_of_collection(scraping: Project) -> None:
    scraping.write("tests/test_wrong.py", WRONG)
    told = 'tests/test_wrong.py:3: test_a: @pytest.mark.requirement(4.1) has an id that is no text, 4.1; write requirement("4.1")'  # noqa: E501
    done = scraping.pytest("--strict-markers", "tests")
    assert done.returncode == 2
    assert told in done.stdout
    assert "tests/test_wrong.py:7: test_b: @pytest.mark.requirement() names no requirement" in done.stdout
    ran = scraping.launch()
    assert ran.code == 2
    assert told in ran.out
    assert ran.summary["verdict"] == "error"
    ran = scraping.launch("-n", "2")
    assert ran.code == 1
    assert told in ran.out


def test_a_wrong_mark_on_a_class_or_a_case_of_unittest(project: Project) -> None:
    project.write(
        "test_wrong.py",
        """\
        import unittest
        import pytest

        @pytest.mark.requirement(id="4.1")
        class TestOne:
            def test_a(self):
                pass

        class Case(unittest.TestCase):
            @pytest.mark.requirement("")
            def test_b(self):
                pass
    """,
    )
    out = project.pytest().stdout
    assert "TestOne.test_a: @pytest.mark.requirement(id='4.1') has a named argument" in out
    assert "Case.test_b: @pytest.mark.requirement('') has an empty id" in out


class Rude:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "names no requirement"),
        (("4.1", ""), "has an empty id"),
        ((" ",), "has an empty id"),
        ((41,), 'is no text, 41; write requirement("41")'),
        ((True,), 'is no text, True; write requirement("4.1")'),
        ((None,), "is no text, None"),
        ((["4.1", "4.2"],), "has its ids in a list"),
        (({"4.1"},), "has its ids in a set"),
        ((Rude(),), "is no text, <Rude>"),
        ((b"x" * 500,), "…"),
    ],
)
def test_what_is_wrong_with_a_mark(arguments: tuple[Any, ...], told: str) -> None:
    text = complaint(arguments, {})
    assert told in text
    assert "write requirement(" in text
    assert len(text) < 250


def test_what_a_mark_names() -> None:
    assert complaint(("4.1", "any thing at all"), {}) == ""
    assert ids([("a", " b "), ("b", "c"), (7, ["x"], "")]) == ("a", "b", "c")
