"""`itdash runs` and `itdash compare` in small projects, from the launch to the last line."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project, Ran

SWITCHED = """\
import os

def test_steady(): pass

def test_switched():
    assert os.environ.get("BROKEN") is None
"""


@pytest.fixture
def switched(project: Project) -> Project:
    """A project with a test that fails when it is told to, and a git that tells of a commit."""
    project.write("test_a.py", SWITCHED)
    project.write("pyproject.toml", "[tool.itdash]\n")
    git = project.folder / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/topic\n")
    (git / "refs/heads/topic").write_text(f"{'ab' * 20}\n")
    return project


def launched(project: Project, *arguments: str, **environment: str) -> str:
    """Run the tests; the name of the run."""
    ran = project.launch(*arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **environment)
    assert ran.code in (0, 1), ran.out + ran.err
    return ran.folder.name


def plain(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_each_run_is_in_the_list(switched: Project) -> None:
    first, second = launched(switched), launched(switched, "-k", "switched", BROKEN="1")
    listed = switched.itdash("runs")
    assert listed.code == 0
    newest, oldest = listed.out.splitlines()
    assert newest.startswith(second)
    assert "failed" in newest
    assert "abababab  topic" in newest
    assert newest.endswith("--headless -k switched")
    assert oldest.startswith(first)
    assert "2 passed" in oldest
    assert "kept" in oldest
    told = plain(switched.itdash("runs", "--json"))
    assert (told["total"], [run["run"] for run in told["runs"]]) == (2, [second, first])
    run = told["runs"][0]
    assert (run["verdict"], run["exit_code"], run["branch"], run["kept"]) == ("failed", 1, "topic", True)
    assert run["outcomes"]["deselected"] == 1
    assert run["machine"].endswith("CPUs")


def test_what_is_pruned_is_still_known(switched: Project) -> None:
    names = [launched(switched) for _ in range(3)]
    dry = switched.itdash("runs", "prune", "--keep", "1", "--dry-run")
    assert (dry.code, "2 runs" in dry.out, "would be deleted" in dry.out) == (0, True, True)
    assert len(list((switched.folder / ".itdash/runs").iterdir())) == 3
    assert switched.itdash("runs", "baseline", names[0]).code == 0
    pruned = switched.itdash("runs", "prune", "--keep", "1")
    assert names[1] in pruned.out
    assert names[0] not in pruned.out
    left = sorted(folder.name for folder in (switched.folder / ".itdash/runs").iterdir())
    assert left == [names[0], names[2]]
    told = plain(switched.itdash("runs", "--json"))["runs"]
    assert [(run["run"], run["kept"], run["baseline"]) for run in told] == [
        (names[2], True, False), (names[1], False, False), (names[0], True, True),
    ]  # fmt: skip
    assert switched.itdash("runs", "prune").out == "nothing is beyond the limits\n"


def test_compare_tells_what_broke_and_ends_with_99(switched: Project) -> None:
    good = launched(switched)
    bad = launched(switched, BROKEN="1")
    ran = switched.itdash("compare", "--fail-on", "regression")
    assert ran.code == 99
    assert "REGRESSION  1 newly failing test" in ran.out
    assert f"passed in the run before, {good}, commit {'ab' * 6}" in ran.out
    assert switched.itdash("compare").code == 0
    back = switched.itdash("compare", "latest", "-2", "--fail-on", "regression", "--format", "json")
    told = plain(back)
    assert (told["base"]["name"], told["run"]["name"]) == (bad, good)
    assert [one["id"] for one in told["fixed"]] == ["test_a.py::test_switched"]
    assert told["regressions"] == []


def test_compare_with_green_with_a_branch_and_with_a_file(switched: Project) -> None:
    good = launched(switched)
    bad = launched(switched, BROKEN="1")
    launched(switched, BROKEN="1")
    kept = switched.folder / "ci.json"
    shutil.copy(switched.folder / ".itdash/runs" / good / "summary.json", kept)
    shutil.rmtree(switched.folder / ".itdash/runs" / good)
    for base, expected in (
        ("previous", bad), ("green", good), ("topic", bad), (good, good), ("ci.json", good), ("", bad),
    ):  # fmt: skip
        told = plain(switched.itdash("compare", base, "--format", "json"))
        assert told["base"]["name"] == expected, base
    assert switched.itdash("runs", "baseline", bad).code == 0
    assert plain(switched.itdash("compare", "--format", "json"))["base"]["told"] == "the baseline"
    assert switched.itdash("runs", "baseline").out == f"{bad}\n"
    assert switched.itdash("runs", "baseline", "--clear").code == 0
    assert switched.itdash("runs", "baseline").out == "no run was made the baseline\n"


def test_compare_as_markdown_into_a_file(switched: Project) -> None:
    launched(switched)
    launched(switched, BROKEN="1")
    ran = switched.itdash("compare", "--format", "markdown", "-o", "changes.md")
    assert (ran.code, ran.out) == (0, "")
    text = (switched.folder / "changes.md").read_text()
    assert text.startswith("## Regression: 1 newly failing test\n")
    assert "| `test_a.py::test_switched` | passed | failed |" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compare",), "no run before"),
        (("compare", "nowhere"), "there is no run 'nowhere'"),
        (("compare", "latest", "-5"), "there is no run '-5'"),
        (("compare", "green"), "no run that passed before"),
        (("compare", "baseline"), "no run was made the baseline"),
        (("compare", "."), "no run in this folder"),
        (("compare", "pyproject.toml"), "no summary"),
        (("runs", "--test", "test_a.py::test_nothing"), "no run knows the test"),
        (("runs", "--test", "switched"), "these are known: test_a.py::test_switched"),
        (("runs", "path", "-9"), "there is no run -9"),
        (("runs", "baseline", "nowhere"), "there is no run 'nowhere'"),
        (("runs", "prune", "--older", "soon"), "write it as 30d"),
        (("runs", "prune", "--max-size", "1 parsec"), "write it as 1GB"),
        (("runs", "--", "-x"), "goes to pytest"),
        (("compare", "--", "-x"), "goes to pytest"),
        (("runs", "flaki"), "No such command 'flaki'"),
    ],
)
def test_a_mistake_is_told_in_words(switched: Project, arguments: tuple[str, ...], told: str) -> None:
    launched(switched)
    ran = switched.itdash(*arguments)
    assert ran.code == 4, ran.out + ran.err
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_before_the_first_run(switched: Project) -> None:
    assert switched.itdash("runs").out == "no run is recorded: `itdash launch` makes one\n"
    for part in ("flaky", "failing", "slower"):
        assert switched.itdash("runs", part).code == 0
    ran = switched.itdash("compare")
    assert ran.code == 4
    assert "no run is recorded" in ran.err
    assert not (switched.folder / ".itdash").exists()


def test_one_test_through_all_runs(switched: Project) -> None:
    good, bad = launched(switched), launched(switched, BROKEN="1")
    newest, oldest = switched.itdash("runs", "--test", "test_a.py::test_switched").out.splitlines()
    assert newest.startswith(f"{bad}  ")
    assert "failed" in newest
    assert oldest.startswith(f"{good}  ")
    told = plain(switched.itdash("runs", "--test", "test_a.py::test_switched", "--json"))
    assert [run["outcome"] for run in told["runs"]] == ["failed", "passed"]


def test_failing_and_flaky(switched: Project) -> None:
    good = launched(switched)
    bad = launched(switched, BROKEN="1")
    launched(switched, BROKEN="1")
    (one,) = plain(switched.itdash("runs", "failing", "--json"))["failing"]
    assert (one["test"], one["since"], one["runs"]) == ("test_a.py::test_switched", bad, 2)
    assert (one["last_passed"], one["last_passed_commit"]) == (good, "ab" * 20)
    assert f"fails since run {bad}" in switched.itdash("runs", "failing").out
    for broken in ("", "1", "", "1"):
        launched(switched, **({"BROKEN": broken} if broken else {}))
    flaky = switched.itdash("runs", "flaky")
    assert "Perhaps flaky (1)" in flaky.out
    assert ".FF.F.F  changed 5 times in 7 runs" in flaky.out


def test_the_path_of_a_run(switched: Project) -> None:
    name = launched(switched)
    ran = switched.itdash("runs", "path")
    assert ran.out == f"{switched.folder / '.itdash/runs' / name}\n"


def test_two_at_once(switched: Project) -> None:
    command = [sys.executable, "-m", "itdash", "launch", "--headless"]
    environment = switched.environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    both = [
        subprocess.Popen(
            command, cwd=switched.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in both:
        out, _ = one.communicate(timeout=120)
        assert one.returncode == 0, out
        assert "history" not in out
    names = {folder.name for folder in (switched.folder / ".itdash/runs").iterdir()}
    told = plain(switched.itdash("runs", "--json"))["runs"]
    assert {run["run"] for run in told} == names
    assert [run["verdict"] for run in told] == ["passed", "passed"]


# -- a history that cannot be used --


def test_a_lost_history_comes_back(switched: Project) -> None:
    names = [launched(switched) for _ in range(2)]
    for file in (switched.folder / ".itdash").glob("history.db*"):
        file.unlink()
    assert [run["run"] for run in plain(switched.itdash("runs", "--json"))["runs"]] == names[::-1]


def test_a_broken_history_is_set_aside_by_the_next_run(switched: Project) -> None:
    first = launched(switched)
    for file in (switched.folder / ".itdash").glob("history.db-*"):
        file.unlink()
    (switched.folder / ".itdash/history.db").write_bytes(b"nothing like it " * 1000)
    ran = switched.launch(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert ran.code == 0
    assert "history.db.broken-1" in ran.out
    assert [run["run"] for run in plain(switched.itdash("runs", "--json"))["runs"]] == [
        ran.folder.name,
        first,
    ]


@pytest.mark.parametrize("how", ["a folder", "locked", "newer"])
def test_a_history_that_refuses_takes_no_verdict_along(switched: Project, how: str) -> None:
    launched(switched)
    path = switched.folder / ".itdash/history.db"
    other = sqlite3.connect(path, isolation_level=None)
    if how == "a folder":
        other.close()
        for file in path.parent.glob("history.db*"):
            file.unlink()
        path.mkdir()
    elif how == "locked":
        other.execute("BEGIN IMMEDIATE")
    else:
        other.execute("PRAGMA user_version = 99")
    ran = switched.launch(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert ran.code == 0
    assert "PASSED  2 passed" in ran.out
    assert "the run is not in the history" in ran.out
    assert "Traceback" not in ran.out + ran.err
    other.close()


def test_a_run_kept_elsewhere_is_known(switched: Project, tmp_path: Path) -> None:
    (switched.folder / ".itdash").write_text("a file")
    place = tmp_path / "temporary"
    place.mkdir()
    ran = switched.launch(TMPDIR=str(place), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert ran.code == 0, ran.out + ran.err
    (summary,) = place.glob("itdash-*/runs/*/summary.json")
    told = plain(switched.itdash("runs", "--json", TMPDIR=str(place)))["runs"]
    assert [(run["run"], run["kept"]) for run in told] == [(summary.parent.name, True)]
    path = switched.itdash("runs", "path", TMPDIR=str(place))
    assert os.path.samefile(path.out.strip(), summary.parent)


def test_a_document_tells_what_changed(switched: Project) -> None:
    launched(switched)
    assert "## Changes" not in switched.itdash("export").out
    launched(switched, BROKEN="1")
    text = switched.itdash("export").out
    assert "## Changes\n\n**Regression**: 1 newly failing test\n" in text
    assert "## Changes" not in switched.itdash("export", "--sections", "overview").out
    assert switched.itdash("export", "-o", "page.html").code == 0
    assert "<h2>Changes</h2>" in (switched.folder / "page.html").read_text()
