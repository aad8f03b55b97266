"""The mark `budget`, in plain pytest and in a run of itdash alike."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

OVERLAP = """
    import asyncio

    import pytest

    from itdash import probe


    def overlap(n, name="scrape"):
        async def one():
            async with probe.operation(name):
                await probe.together(name, n)

        async def every():
            await asyncio.gather(*(one() for _ in range(n)))

        asyncio.run(every())
    """

Outcomes = tuple[dict[str, str], str]


def plain(project: Project, *arguments: str) -> Outcomes:
    """Bare pytest: outcomes by name, and what it printed."""
    done = project.pytest("-rA", "-p", "no:cacheprovider", *arguments)
    outcomes = {}
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED", "ERROR", "XFAIL", "XPASS") and "::" in rest:
            outcomes[rest.partition(" - ")[0].rpartition("::")[2]] = word.lower()
    return outcomes, done.stdout + done.stderr


def recorded(project: Project, *arguments: str) -> Outcomes:
    """A run of itdash."""
    ran = project.launch(*arguments)
    words = {"xfailed": "xfail", "xpassed": "xpass"}
    return {name: words.get(word, word) for name, word in ran.outcomes().items()}, ran.out + ran.err


def workers(project: Project, *arguments: str) -> Outcomes:
    """The same with two workers."""
    pytest.importorskip("xdist")
    return recorded(project, "-n", "2", *arguments)


@pytest.fixture(params=[plain, recorded, workers])
def run(request: pytest.FixtureRequest) -> Callable[..., Outcomes]:
    """Each way to run tests in turn."""
    chosen: Callable[..., Outcomes] = request.param
    return chosen


def write(project: Project, tests: str, name: str = "test_it.py") -> None:
    import textwrap

    project.write(name, textwrap.dedent(OVERLAP) + textwrap.dedent(tests))


def test_budgets_are_judged_alike_everywhere(project: Project, run: Callable[..., Outcomes]) -> None:
    write(
        project,
        """
        @pytest.mark.budget("scrape", "peak == 5", "p50 < 10s", "errors == 0", "count == 5")
        def test_kept():
            overlap(5)

        @pytest.mark.budget("scrape", "peak == 5", "count == 6")
        @pytest.mark.budget("scrape", "max < 1ns")
        def test_broken():
            overlap(6)

        @pytest.mark.budget("never", "errors == 0")
        def test_never_ran():
            overlap(2)

        @pytest.mark.budget("never", "count == 0")
        def test_never_ran_as_it_should():
            overlap(2)

        @pytest.mark.budget("scrape", "peak == 1")
        def test_fails_by_itself():
            overlap(2)
            raise AssertionError("its own failure")

        @pytest.mark.budget("scrape", "count == 3")
        def test_after_another_one():
            overlap(3)
        """,
    )
    outcomes, out = run(project)
    assert outcomes == {
        "test_kept": "passed", "test_broken": "failed", "test_never_ran": "failed",
        "test_never_ran_as_it_should": "passed", "test_fails_by_itself": "failed",
        "test_after_another_one": "passed",
    }  # fmt: skip
    assert "scrape: peak == 5 broken: measured 6 (n=6)" in out
    assert "scrape: max < 1ns broken: measured " in out
    assert "never: errors == 0 not judged: never never ran" in out
    assert "its own failure" in out
    assert "peak == 1 broken" not in out.replace("peak == 1  ", "")
    assert "itdash/plugin" not in out


def test_too_few_samples_are_told_and_fail_only_where_asked(
    project: Project, run: Callable[..., Outcomes]
) -> None:
    write(
        project,
        """
        @pytest.mark.budget("scrape", "p99 < 1s")
        def test_few():
            overlap(5)
        """,
    )
    outcomes, out = run(project)
    assert outcomes == {"test_few": "passed"}
    assert "too few samples" in out or run is workers
    project.write(
        "pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nitdash_too_few = fail\n"
    )
    outcomes, out = run(project)
    assert outcomes == {"test_few": "failed"}
    assert "scrape: p99 < 1s not judged: too few samples, p99 of scrape needs 100 (n=5)" in out


def test_marks_of_classes_and_modules_count_too(project: Project, run: Callable[..., Outcomes]) -> None:
    write(
        project,
        """
        pytestmark = pytest.mark.budget("scrape", "count < 4")

        @pytest.mark.budget("scrape", "peak == 2")
        class TestIt:
            def test_kept(self):
                overlap(2)

            def test_breaks_that_of_the_class(self):
                overlap(3)

        def test_breaks_that_of_the_module():
            overlap(4)
        """,
    )
    outcomes, _ = run(project)
    assert outcomes == {
        "test_kept": "passed", "test_breaks_that_of_the_class": "failed",
        "test_breaks_that_of_the_module": "failed",
    }  # fmt: skip


def test_only_the_test_itself_counts(project: Project, run: Callable[..., Outcomes]) -> None:
    write(
        project,
        """
        @pytest.fixture
        def busy():
            overlap(3)
            yield
            overlap(3)

        @pytest.mark.budget("scrape", "count == 2")
        def test_it(busy):
            overlap(2)
        """,
    )
    assert run(project)[0] == {"test_it": "passed"}


def test_a_failure_that_is_expected(project: Project, run: Callable[..., Outcomes]) -> None:
    write(
        project,
        """
        @pytest.mark.xfail
        @pytest.mark.budget("scrape", "peak == 1")
        def test_loose():
            overlap(2)

        @pytest.mark.xfail(strict=True, reason="known")
        @pytest.mark.budget("scrape", "peak == 1")
        def test_strict():
            overlap(2)

        @pytest.mark.xfail
        @pytest.mark.budget("scrape", "peak == 2")
        def test_unexpected():
            overlap(2)
        """,
    )
    assert run(project)[0] == {"test_loose": "xfail", "test_strict": "xfail", "test_unexpected": "xpass"}


def test_one_operation_against_another(project: Project, run: Callable[..., Outcomes]) -> None:
    write(
        project,
        """
        @pytest.mark.budget("warm", 'count == count of "cold"')
        def test_as_often():
            overlap(3, "warm")
            overlap(3, "cold")

        @pytest.mark.budget("warm", 'count == count of "cold"')
        def test_alone():
            overlap(3, "warm")
        """,
    )
    outcomes, out = run(project)
    assert outcomes == {"test_as_often": "passed", "test_alone": "failed"}
    assert "warm: count == count(cold) not judged: cold never ran" in out


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ('"scrape", "p95 < 100"', ["test_it.py:", "expected a unit of time", "  p95 < 100", "           ^"]),
        ('"scrape", 5', ["budget takes texts, but was given int 5"]),
        ('5, "peak == 1"', ["budget takes texts, but was given int 5"]),
        ('"scrape", peak=5', ["budget takes no keywords, but was given peak"]),
        ('"scrape"', ["budget needs the name of an operation and one limit or more"]),
        ("", ["budget needs the name of an operation"]),
        ('" ", "peak == 1"', ["budget needs the name of an operation"]),
        ('"scrape", ["peak == 1"]', ["was given list ['peak == 1']"]),
    ],
)
def test_a_mark_that_is_no_budget_is_an_error_of_collection(
    project: Project, mark: str, told: list[str]
) -> None:
    write(project, f"\n@pytest.mark.budget({mark})\ndef test_it():\n    pass\n")
    for out in (project.pytest("-p", "no:cacheprovider").stdout, project.launch().out):
        for text in told:
            assert text in out
        assert "Traceback" not in out
        assert "itdash/plugin" not in out


def test_a_mark_that_is_added_later_is_judged_too(project: Project, run: Callable[..., Outcomes]) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                limit = "peak == 5" if item.name != "test_bad" else "peak is five"
                item.add_marker(pytest.mark.budget("scrape", limit))
        """,
    )
    write(
        project,
        """
        def test_kept():
            overlap(5)

        def test_broken():
            overlap(2)

        def test_bad():
            overlap(5)
        """,
    )
    outcomes, out = run(project)
    assert outcomes == {"test_kept": "passed", "test_broken": "failed", "test_bad": "failed"}
    assert "not a budget: expected a comparison" in out


def test_marks_are_known_also_where_marks_are_strict(project: Project) -> None:
    write(
        project,
        """
        @pytest.mark.requirement("4.1")
        @pytest.mark.budget("scrape", "peak == 2")
        def test_it():
            overlap(2)
        """,
    )
    done = project.pytest("--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "@pytest.mark.budget(operation, *limits)" in project.pytest("--markers").stdout


CHILDREN = """
    import os
    import subprocess
    import sys

    import pytest

    from itdash import probe

    CHILD = "from itdash import probe\\nfor _ in range(4):\\n    with probe.operation('child'): pass"


    @pytest.mark.budget("child", "count == 8", "errors == 0")
    def test_children():
        for _ in range(2):
            subprocess.run([sys.executable, "-c", CHILD], check=True)


    @pytest.mark.budget("child", "count == 6")
    def test_child_and_fork():
        subprocess.run([sys.executable, "-c", CHILD], check=True)
        pid = os.fork()
        with probe.operation("child"):
            pass
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    """


def test_what_children_do_is_judged_where_it_is_recorded(project: Project) -> None:
    project.write("test_it.py", CHILDREN)
    ran = project.launch()
    assert ran.outcomes() == {"test_children": "passed", "test_child_and_fork": "passed"}
    (operation,) = ran.summary["operations"]
    assert {name.partition("::")[2]: case["count"] for name, case in operation["cases"].items()} == {
        "test_children": 8, "test_child_and_fork": 6,
    }  # fmt: skip


def test_in_plain_pytest_children_are_not_seen(project: Project) -> None:
    project.write("test_it.py", CHILDREN)
    outcomes, out = plain(project)
    assert outcomes == {"test_children": "failed", "test_child_and_fork": "failed"}
    assert "child: count == 6 broken: measured 1 (n=1)" in out


def test_a_crash_leaves_what_was_in_flight(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os

        from itdash import probe

        def test_crashes():
            with probe.operation("write"), probe.operation("sync"):
                with probe.operation("seek"):
                    pass
                os.kill(os.getpid(), 9)
        """,
    )
    ran = project.launch()
    assert ran.outcomes() == {"test_crashes": "crashed"}
    figures = {row["name"]: (row["count"], row["unfinished"], row["n"]) for row in ran.summary["operations"]}
    assert figures == {"seek": (1, 0, 1), "sync": (1, 1, 0), "write": (1, 1, 0)}


def test_the_summary_tells_what_was_measured_and_what_it_cost(project: Project) -> None:
    write(
        project,
        """
        @pytest.mark.budget("scrape", "peak == 5", "p95 < 1s")
        def test_it():
            overlap(5)
            probe.count("sent", 3)
            probe.gauge("queue", 2)
            probe.mark("half way")
            probe.record("scrape", float("nan"))
        """,
    )
    ran = project.launch()
    summary: dict[str, Any] = ran.summary
    (operation,) = summary["operations"]
    assert (operation["name"], operation["count"], operation["peak"], operation["p95"]) == (
        "scrape", 5, 5, None,
    )  # fmt: skip
    verdicts = {budget["budget"]: budget["verdict"] for budget in summary["budgets"]}
    assert verdicts == {"peak == 5": "kept", "p95 < 1s": "too few samples"}
    assert summary["counts"] == {"sent": 3}
    assert summary["gauges"] == {"queue": {"last": 2.0, "min": 2.0, "max": 2.0}}
    assert [mark["text"] for mark in summary["marks"]] == ["half way"]
    assert summary["notes"] == ["the probe refused a measurement: 'scrape' cannot have taken nan seconds"]
    cost = summary["observer"]["probe"]
    assert (cost["records"], cost["lost"], cost["refused"]) == (10, 0, 1)
    assert 0 < cost["emit_seconds"] < 1
    assert cost["bytes"] > 100


def test_a_project_without_probes_has_no_files_of_them(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass")
    ran = project.launch()
    assert not list((ran.folder / "segments").glob("*.ops"))
    assert "operations" not in ran.out
    assert (ran.summary["operations"], ran.summary["budgets"]) == ([], [])


def test_a_rate_is_the_same_figure_in_budgets_and_tables(project: Project) -> None:
    project.write(
        "pyproject.toml", "[tool.itdash.suites.s]\npaths='tests'\nbudgets = {scrape = 'rate > 0/s'}\n"
    )
    write(
        project,
        """
        @pytest.mark.budget("scrape", "rate > 0/s")
        def test_rate():
            for _ in range(3):
                with probe.operation("scrape"):
                    pass
            sum(range(100_000))  # what comes after the last operation is no part of the time
        """,
        "tests/test_it.py",
    )
    ran = project.launch()
    assert ran.code == 0, ran.out
    (operation,) = ran.summary["operations"]
    (of_test,), (of_suite,) = ran.summary["budgets"], ran.summary["suite_budgets"]
    assert of_test["measured"] == of_suite["measured"] == pytest.approx(operation["rate"], rel=1e-9)


KILLED = '''
    import os
    import subprocess
    import sys
    import time

    import pytest

    JOURNAL = os.environ["ITDASH_PROBE"].split(";", 3)[3] + "/segments/itdash.jsonl"
    CHILD = """if True:
        import sys
        from itdash import probe
        with probe.operation("work"):
            print(flush=True)
            sys.stdin.read()
    """


    def noticed():
        with open(JOURNAL) as journal:
            return journal.read().count("ProbeLost")


    def begin_and_kill(n):
        before, children = noticed(), []
        for _ in range(n):
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            child.stdout.readline()
            children.append(child)
        for child in children:
            child.kill()
            child.communicate()
        until = time.monotonic() + 30
        while noticed() < before + n and time.monotonic() < until:
            time.sleep(0.01)


    @pytest.mark.budget("work", "peak == 1", "count == 2")
    def test_one_after_the_other():
        begin_and_kill(1)
        begin_and_kill(1)


    @pytest.mark.budget("work", "peak == 2", "count == 2")
    def test_together():
        begin_and_kill(2)
'''


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system cannot watch a process")
def test_a_killed_child_is_in_flight_no_more_once_its_death_was_noticed(project: Project) -> None:
    project.write("test_it.py", KILLED)
    ran = project.launch()
    assert ran.code == 0, ran.out
    (work,) = ran.summary["operations"]
    assert (work["count"], work["unfinished"], work["peak"]) == (4, 4, 2)
