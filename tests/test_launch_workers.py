"""Workers of pytest-xdist that go, hang or try again: what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project


def test_a_file_that_takes_every_worker_down_is_named(project: Project) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("test_b.py", "import os; os._exit(0)\n")
    ran = project.launch("-n", "2")
    assert (ran.code, ran.summary["verdict"]) == (3, "crashed")
    assert ran.out.count("cannot collect test_b.py") == 2  # as it happens, and at the end
    assert "its worker ended while this file was collected" in ran.out
    assert ran.summary["observer"]["disagrees"] == {}


def test_a_file_that_takes_one_worker_down_is_only_noted(project: Project) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    project.write(
        "test_b.py",
        "import os\nif os.environ.get('PYTEST_XDIST_WORKER') == 'gw0': os._exit(1)\ndef test_b(): pass\n",
    )
    ran = project.launch("-n", "2")
    assert (ran.code, ran.outcomes()) == (0, {"test_a": "passed", "test_b": "passed"})
    assert "a worker ended while test_b.py was collected; another collected it" in ran.out


@pytest.mark.parametrize("where", ["== 'gw0'", "> ''"], ids=["one", "all"])
def test_a_file_in_whose_import_workers_hang_ends_the_run_with_its_name(project: Project, where: str) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    project.write(
        "test_b.py",
        f"import os, time\nif os.environ.get('PYTEST_XDIST_WORKER', '') {where}: time.sleep(600)\n",
    )
    ran = project.launch("-n", "2", "--timeout", "0.1")
    assert (ran.code, ran.summary["verdict"]) == (2, "error")
    assert ran.out.count("cannot collect test_b.py") == 2
    assert "no end after 10 s while this file was collected" in ran.out
    assert ran.summary["uncollected"] == [{"node": "test_b.py", "outcome": "failed"}]
    assert ran.summary["observer"]["disagrees"] == {}


def test_one_test_on_several_workers_is_refused(project: Project) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    ran = project.launch("--", "--dist", "each", "--tx", "2*popen")
    assert ran.code == 4
    assert "itdash cannot tell the runs of one test on several workers apart: use --dist load" in ran.out
    assert "test session starts" not in ran.out


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_a_wrong_expression_of_a_group_is_told_with_the_group(project: Project, workers: list[str]) -> None:
    project.write("tests/test_a.py", "def test_a(): pass\n")
    project.write("itdash.toml", '[suites.unit]\npaths = "tests"\ngroups = { smoke = "mark:a and" }\n')
    ran = project.launch("--group", "smoke", *workers)
    assert ran.code == 4
    assert "group 'smoke' of suite 'unit': wrong expression 'a and'" in ran.out
    assert "Traceback" not in ran.out


@pytest.mark.parametrize("arguments", [["-n", "2", "--retries", "1"], ["--retries", "1"]], ids=" ".join)
def test_our_own_options_work_where_no_plugin_is_loaded(project: Project, arguments: list[str]) -> None:
    project.write(
        "test_a.py",
        """
        import pathlib
        def test_a():
            first = not pathlib.Path("there").exists()
            pathlib.Path("there").touch()
            assert not first
        """,
    )
    ran = project.launch(*arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert (ran.code, ran.cases["test_a"]["attempts"]) == (0, 2), ran.out


STAGES = """
    import os, pytest, time
    @pytest.fixture
    def ends():
        yield
        os.abort()
    def test_call(): os.abort()
    def test_teardown(ends): pass
    def test_hang(): time.sleep(600)
"""


def test_with_retries_the_stage_is_told_too(project: Project) -> None:
    project.write("test_it.py", STAGES)
    causes = {
        name: case["cause"] for name, case in project.launch("--retries", "1", "--timeout", "2").cases.items()
    }
    assert causes == {
        "test_call": "SIGABRT in call", "test_teardown": "SIGABRT in teardown",
        "test_hang": "no end after 2 s, in call",
    }  # fmt: skip


def test_what_crashed_once_and_passed_is_told_and_its_suite_again(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os, pathlib
        def test_ok(): pass
        def test_once():
            if not pathlib.Path("there").exists():
                pathlib.Path("there").touch()
                os.kill(os.getpid(), 9)
        """,
    )
    ran = project.launch("-n", "2", "--retries", "1", "--ascii")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert "~ test_it.py::test_once passed at attempt 2" in lines
    told = [line.rpartition("  ")[0] for line in lines if "project  " in line]
    assert told[-1] == "+ project  2 passed"


def test_tests_that_took_workers_down_are_counted_as_crashed(project: Project) -> None:
    project.write("test_it.py", "import os\ndef test_a(): os.abort()\ndef test_b(): pass\n")
    ran = project.launch("-n", "2")
    counts = ran.summary["outcomes"]
    assert (counts["failed"], counts["crashed"]) == (1, 1)
    assert "CRASHED  1 failed (1 crashed), 1 passed" in ran.out
    assert "crashed while running" not in ran.out  # the cause says it already
    project.write("test_it.py", "import os\ndef test_a(): os.abort()\n")
    assert "CRASHED  1 crashed in" in project.launch().out


def test_a_limit_of_failures_is_no_interruption(project: Project) -> None:
    project.write(
        "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(8))\ndef test_it(n): assert 0\n"
    )
    ran = project.launch("-x", "-n", "2")
    assert (ran.code, ran.summary["verdict"]) == (2, "failed")
