"""`itdash launch` as a user runs it: whole runs, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests_support import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

MIXED = """
    import pytest
    def test_passes(): pass
    def test_fails(): assert 1 == 2, "one is not two"
    @pytest.mark.skip
    def test_skipped(): pass
    @pytest.mark.xfail
    def test_xfails(): assert 0
    @pytest.fixture
    def broken(): raise ValueError("setup broke")
    def test_error(broken): pass
"""

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def test_a_project_without_any_configuration(project: Project) -> None:
    project.write("test_it.py", MIXED)
    ran = project.launch()
    assert ran.code == 1
    assert ran.err == ""
    assert ran.outcomes() == {
        "test_passes": "passed", "test_fails": "failed", "test_skipped": "skipped", "test_xfails": "xfailed",
        "test_error": "error",
    }  # fmt: skip
    assert ran.summary["verdict"] == "failed"
    assert "one is not two" in ran.out
    assert "setup broke" in ran.out
    assert not CONTROLS.search(ran.out)
    assert (project.folder / ".itdash" / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in ran.folder.iterdir()) == [
        "order-1.json", "pytest.log", "report.json", "segments", "stacks", "summary.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["-n", "2"], ["--", "-p", "no:terminal"], ["--", "-p", "no:cacheprovider"], ["--", "-W", "error"],
        ["--", "-v"], ["--", "--durations=3"], ["--", "--strict-markers", "--strict-config"], ["--", "-s"],
        ["--", "--json-report", "--json-report-file=r.json"], ["-n", "2", "--", "--json-report"],
        ["--", "-p", "no:itdash"], ["--", "--tb=native"], ["--", "--tb=no"], ["--", "-p", "no:faulthandler"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_counts_are_those_of_bare_pytest(project: Project, arguments: list[str]) -> None:
    project.write("tests/a/test_it.py", MIXED)
    project.write(
        "tests/b/test_more.py",
        "def test_one(): pass\ndef test_two(subtests):\n    with subtests.test(): pass\n",
    )
    ran = project.launch(*arguments)
    quiet = [] if "no:terminal" in arguments else ["-q"]
    bare = project.pytest(*quiet, *[argument for argument in arguments if argument != "--"])
    assert ran.code == bare.returncode == 1
    counts = ran.summary["outcomes"]
    assert (counts["passed"], counts["failed"], counts["errors"], counts["skipped"], counts["xfailed"]) == (
        3,
        1,
        1,
        1,
        1,
    )
    if "no:terminal" not in arguments:
        told = {
            word.rstrip("s"): int(number)
            for number, word in re.findall(r"(\d+) (\w+)", bare.stdout.splitlines()[-1])
        }
        for name in ("passed", "failed", "error", "skipped", "xfailed", "warning"):
            key = {"error": "errors", "warning": "warnings"}.get(name, name)
            assert counts[key] == told.get(name.rstrip("s"), 0), name
    assert ran.summary["observer"]["disagrees"] == {}
    assert ran.summary["observer"]["unread"] == 0
    assert {case["suite"] for case in ran.summary["cases"]} == {"tests/a", "tests/b"}


def test_report_json_is_in_pytest_json_reports_form(project: Project) -> None:
    project.write("test_it.py", MIXED)
    project.pytest("-q", "--json-report", "--json-report-file=bare.json")
    bare = json.loads((project.folder / "bare.json").read_text())
    ours = json.loads((project.launch().folder / "report.json").read_text())
    assert set(bare) <= set(ours)
    assert bare["exitcode"] == ours["exitcode"] == 1
    for theirs, mine in zip(bare["tests"], ours["tests"], strict=True):
        assert (theirs["nodeid"], theirs["lineno"]) == (mine["nodeid"], mine["lineno"])
        if theirs["outcome"] != "skipped" or "xfail" not in theirs["keywords"]:
            assert theirs["outcome"] == mine["outcome"]
        for stage in ("setup", "call", "teardown"):
            assert (stage in theirs) == (stage in mine)
            if stage in theirs:
                assert theirs[stage]["outcome"] == mine[stage]["outcome"]
                assert theirs[stage].get("longrepr") == mine[stage].get("longrepr")
                assert theirs[stage].get("crash") == mine[stage].get("crash")


def test_exit_codes_pass_through(project: Project) -> None:
    assert project.launch().code == 5
    project.write("test_fine.py", "def test_fine(): pass\n")
    assert project.launch().code == 0
    assert project.launch("not_there.py").code == 4
    assert project.launch("--", "--no-such-option").code == 4
    project.write("conftest.py", "import not_there\n")
    ran = project.launch()
    assert (ran.code, ran.summary["verdict"]) == (4, "error")
    assert "not_there" in ran.out


def test_what_pytest_says_when_it_does_not_start_is_shown(project: Project) -> None:
    ran = project.launch("not_there.py")
    assert "file or directory not found: not_there.py" in ran.out
    assert ran.summary["verdict"] == "error"


CRASHES = {
    "import os; os._exit(0)": "exit 0 in call",
    "import os; os._exit(77)": "exit 77 in call",
    "import ctypes; ctypes.string_at(0)": "SIGSEGV in call",
    "import os; os.kill(os.getpid(), 9)": "SIGKILL in call",
    "import os; os.killpg(0, 9)": "SIGKILL in call",
    "import os, time; os.kill(os.getppid(), 9); time.sleep(60)": "its parent was killed in call",
}


@pytest.mark.parametrize(("code", "cause"), CRASHES.items(), ids=CRASHES.values())
def test_a_crash_is_named_and_the_rest_runs(project: Project, code: str, cause: str) -> None:
    project.write("test_it.py", f"def test_a(): pass\ndef test_b(): {code}\ndef test_c(): pass\n")
    ran = project.launch()
    assert ran.outcomes() == {"test_a": "passed", "test_b": "crashed", "test_c": "passed"}
    assert ran.cases["test_b"]["cause"] == cause
    assert (ran.code, ran.summary["verdict"]) == (1, "crashed")
    assert cause in ran.out


def test_a_crash_of_a_worker_is_named(project: Project) -> None:
    project.write(
        "test_it.py", "import os\ndef test_a(): pass\ndef test_b(): os.abort()\ndef test_c(): pass\n"
    )
    ran = project.launch("-n", "2")
    assert ran.outcomes() == {"test_a": "passed", "test_b": "crashed", "test_c": "passed"}
    assert "Aborted" in ran.cases["test_b"]["cause"]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
@pytest.mark.parametrize(
    "hang",
    [
        "time.sleep(600)",
        "ctypes.PyDLL(None).pause()",
        "[ctypes.PyDLL(None).pause() for _ in range(600)]",
        "spin()",
    ],
)
def test_a_hang_is_ended_with_its_stacks_and_the_rest_runs(
    project: Project, hang: str, workers: list[str]
) -> None:
    project.write(
        "test_it.py",
        f"""
        import ctypes, time
        def spin():
            while True:
                try:
                    time.sleep(600)
                except KeyboardInterrupt:
                    pass
        def test_a(): pass
        def test_b(): {hang}
        def test_c(): pass
        """,
    )
    ran = project.launch("--timeout", "0.5", *workers)
    assert ran.outcomes() == {"test_a": "passed", "test_b": "timed out", "test_c": "passed"}
    assert ran.cases["test_b"]["cause"] == "no end after 0.5 s, in call"
    assert "in test_b" in ran.out
    assert (ran.code, ran.summary["verdict"]) == (1, "failed")


def test_too_many_crashes_end_the_run_and_the_rest_is_said(project: Project) -> None:
    project.write("itdash.toml", "max_crashes = 2\n")
    project.write(
        "test_it.py",
        "import os, pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n): os.abort()\n",
    )
    ran = project.launch()
    counts = ran.summary["outcomes"]
    assert (counts["crashed"], counts["not_run"]) == (3, 3)
    assert "max_crashes" in ran.out
    assert ran.code != 0


def test_retries_tell_flaky_from_passed(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        tries = []
        def test_flaky():
            tries.append(1)
            assert len(tries) > 1
        def test_steady(): pass
        """,
    )
    ran = project.launch("--retries", "2")
    assert (ran.code, ran.summary["verdict"]) == (0, "passed")
    assert (ran.cases["test_flaky"]["flaky"], ran.cases["test_flaky"]["attempts"]) == (True, 2)
    assert (ran.cases["test_steady"]["flaky"], ran.cases["test_steady"]["attempts"]) == (False, 1)
    assert "FLAKY" in ran.out


def test_stopping_after_failures(project: Project) -> None:
    project.write(
        "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n): assert 0\n"
    )
    assert project.launch("-x").summary["outcomes"]["not_run"] == 5
    ran = project.launch("--max-fail", "2")
    assert ran.summary["outcomes"]["not_run"] == 4
    assert "stopping after 2 failures" in ran.out


def test_a_limit_of_failures_counts_over_fresh_processes(project: Project) -> None:
    code = "import os\ndef test_a(): assert 0\ndef test_b(): os.abort()\ndef test_c(): assert 0\n"
    project.write("test_it.py", code + "def test_d(): pass\n")
    ran = project.launch("--max-fail", "3")
    assert list(ran.outcomes().values()) == ["failed", "crashed", "failed", "not run"]


def test_last_failed(project: Project) -> None:
    project.write(
        "test_it.py", "import os\ndef test_a(): assert 0\ndef test_b(): os.abort()\ndef test_c(): pass\n"
    )
    project.launch()
    ran = project.launch("--last-failed")
    assert ran.outcomes() == {"test_a": "failed", "test_b": "crashed"}
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n")
    assert len(project.launch("--last-failed").outcomes()) == 2
    assert len(project.launch("--last-failed").outcomes()) == 3


def test_what_a_test_leaves_behind_is_named_and_ended(project: Project, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    project.write(
        "test_it.py",
        f"""
        import os, subprocess
        def test_child():
            child = subprocess.Popen(["sleep", "600"])
            print(child.pid, file=open({str(pids)!r}, "a"))
        def test_daemon():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    print(os.getpid(), file=open({str(pids)!r}, "a"))
                    os.execve("/bin/sleep", ["sleep", "600"], {{}})
                os._exit(0)
        def test_quiet(): pass
        """,
    )
    ran = project.launch()
    assert ran.code == 0
    left = [orphan["case"] for orphan in ran.summary["orphans"]]
    assert sorted(orphan["command"] for orphan in ran.summary["orphans"]) == ["sleep 600", "sleep 600"]
    assert "test_it.py::test_child" in left
    assert any("test_daemon" in name for name in left)
    for pid in pids.read_text().split():
        assert not os.path.exists(f"/proc/{pid}")


def test_a_nested_pytest_records_nothing(project: Project) -> None:
    project.write("conftest.py", "pytest_plugins = ['pytester']\n")
    project.write(
        "test_it.py",
        """
        import subprocess, sys
        def test_in_process(pytester):
            pytester.makepyfile("def test_inner_one(): pass")
            pytester.runpytest_inprocess().assert_outcomes(passed=1)
        def test_in_subprocess(pytester):
            pytester.makepyfile("def test_inner_two(): assert 0")
            pytester.runpytest_subprocess().assert_outcomes(failed=1)
        """,
    )
    ran = project.launch()
    assert ran.outcomes() == {"test_in_process": "passed", "test_in_subprocess": "passed"}
    assert len(list((ran.folder / "segments").iterdir())) == 2


HANGING = """
    import pathlib, subprocess, time
    def test_a(): pass
    def test_b():
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        pathlib.Path("started").write_text(str(child.pid))
        time.sleep(600)
    def test_c(): pass
"""


def launch_until_it_hangs(project: Project) -> tuple[subprocess.Popen[str], int]:
    """A run in the middle of `test_b`, and the child that this test started."""
    project.write("test_it.py", HANGING)
    started = project.folder / "started"
    running = subprocess.Popen(
        [sys.executable, "-m", "itdash", "launch", "--headless"],
        cwd=project.folder, env=project.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: started.exists() and started.read_text())
    return running, int(started.read_text())


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=str,
)
def test_a_signal_stops_with_a_full_summary(project: Project, number: int, code: int) -> None:
    running, child = launch_until_it_hangs(project)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == code
    assert err == ""
    summary = json.loads(next((project.folder / ".itdash" / "runs").glob("*/summary.json")).read_text())
    assert summary["verdict"] == "interrupted"
    assert [case["outcome"] for case in summary["cases"]] == ["passed", "interrupted", "not run"]
    assert "INTERRUPTED" in out
    assert not os.path.exists(f"/proc/{child}")


def test_killing_itdash_leaves_nothing_alive_and_loses_nothing(project: Project) -> None:
    running, child = launch_until_it_hangs(project)
    running.kill()
    running.communicate(timeout=60)
    wait_for(lambda: not os.path.exists(f"/proc/{child}"))
    (run,) = (project.folder / ".itdash" / "runs").iterdir()
    lines = [json.loads(line) for path in run.glob("segments/*") for line in path.read_text().splitlines()]
    assert {"CaseStarted", "StageFinished", "CaseFinished"} <= {line["kind"] for line in lines}
    assert sum(line["kind"] == "CaseStarted" for line in lines) == 2


def test_suites_and_groups(project: Project) -> None:
    project.write(
        "itdash.toml",
        """
        [suites.fast]
        title = "The fast ones"
        paths = ["tests/fast"]
        groups = { smoke = "mark:smoke", one = "path:test_one.py" }
        [suites.slow]
        paths = ["tests/slow"]
        groups = { smoke = "k:first" }
        """,
    )
    project.write("pytest.ini", "[pytest]\nmarkers = smoke\nasyncio_default_fixture_loop_scope = function\n")
    project.write("tests/fast/test_one.py", "def test_a(): pass\n")
    project.write("tests/fast/test_two.py", "import pytest\n@pytest.mark.smoke\ndef test_b(): pass\n")
    project.write("tests/slow/test_slow.py", "def test_first(): pass\ndef test_second(): pass\n")
    assert set(project.launch().outcomes()) == {"test_a", "test_b", "test_first", "test_second"}
    assert set(project.launch("--suite", "slow").outcomes()) == {"test_first", "test_second"}
    assert set(project.launch("--group", "smoke").outcomes()) == {"test_b", "test_first"}
    assert set(project.launch("--group", "one", "--group", "smoke", "--suite", "fast").outcomes()) == {
        "test_a",
        "test_b",
    }
    ran = project.launch("--group", "smoke", "-n", "2")
    assert {case["suite"] for case in ran.summary["cases"]} == {"fast", "slow"}
    mistyped = project.launch("--suite", "sloww")
    assert mistyped.code == 4
    assert "did you mean 'slow'?" in mistyped.err


def test_a_reader_that_goes_away_does_not_end_the_run(project: Project) -> None:
    project.write(
        "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(50))\ndef test_it(n): assert 0\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "itdash", "launch", "--headless"],
        cwd=project.folder, env=project.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdout
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(60) == 1
    summary = json.loads(next((project.folder / ".itdash" / "runs").glob("*/summary.json")).read_text())
    assert summary["outcomes"]["failed"] == 50
