"""`itdash launch --shard` on several machines and `itdash merge`, against one run of all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

SHARDS = 3
GO_ON = ("--", "--continue-on-collection-errors")
TESTS = '''
import pytest
from itdash import probe

@pytest.mark.requirement("R-{file}")
@pytest.mark.parametrize("n", range({tests}))
@pytest.mark.budget("exact", "count == 40")
def test_it(n):
    """File {file}."""
    for k in range(40):
        probe.record("exact", 0.001 * ((n * 7 + k * 13 + {file}) % 97 + 1))
    with probe.operation("outer"), probe.operation("inner", file="{file}"):
        probe.count("bytes", 10)
    assert (n, {file}) != (3, 2)

@pytest.mark.skip(reason="not here")
def test_skipped():
    pass

def test_deselected():
    pass
'''


@pytest.fixture
def tests(project: Project) -> Project:
    """Files of different lengths, one failing test, one broken file, a requirement for each file."""
    rows = "".join(f'[[requirement]]\nid = "R-{n}"\ntitle = "of file {n}"\n' for n in range(6))
    project.write("requirements.toml", rows)
    for file in range(6):
        project.write(f"test_{file}.py", TESTS.replace("{file}", str(file)).replace("{tests}", str(2 + file)))
    project.write("test_broken.py", "import nothing_of_the_kind\n")
    return project


def shard(project: Project, index: int, *arguments: str) -> str:
    """Run a shard and pack it; the name of the file."""
    ran = project.launch("--shard", f"{index}/{SHARDS}", "-k", "not deselected", *arguments, *GO_ON)
    assert ran.code in (1, 2), ran.out + ran.err
    name = f"shard-{index}.tar.gz"
    assert project.itdash("export", "-o", name).code == 0
    return name


def essence(path: Path) -> dict[str, Any]:
    """What does not go by the clock or by the order of runs."""
    found = json.loads(path.read_text())
    cases = {
        case["id"]: (case["outcome"], case["attempts"], case["suite"], case["doc"]) for case in found["cases"]
    }
    counted = ("count", "errors", "peak", "n", "unfinished")
    operations = {one["name"]: {key: one[key] for key in counted} for one in found["operations"]}
    exact = next(one for one in found["operations"] if one["name"] == "exact")
    operations["exact"] |= {key: exact[key] for key in ("p50", "p90", "p95", "p99", "max", "cases")}
    assert exact["p99"], "there is a figure that can be compared"
    return {
        "outcomes": found["outcomes"],
        "cases": cases,
        "requirements": sorted(found["requirements"], key=lambda row: row["id"]),
        "operations": operations,
        "budgets": sorted((one["case"], one["operation"], one["verdict"]) for one in found["budgets"]),
        "counts": found["counts"],
        "uncollected": found["uncollected"],
        "verdict": (found["verdict"], found["exit_code"]),
    }


def test_the_shards_together_are_the_whole(tests: Project) -> None:
    whole = tests.launch(
        "-k", "not deselected", "--report", "whole.json", "--report", "tests.times.json", *GO_ON
    )
    assert whole.code in (1, 2), whole.out + whole.err
    times = ("--times", "tests.times.json")
    names = [shard(tests, index, *times) for index in range(1, SHARDS + 1)]
    merged = tests.itdash("merge", *names, "--report", "merged.json", "--report", "merged.md")
    assert merged.code == whole.code, merged.out + merged.err
    assert essence(tests.folder / "merged.json") == essence(tests.folder / "whole.json")
    assert f"merged from {SHARDS} runs" in merged.out
    again = tests.itdash("export", "-o", "again.json")
    assert again.code == 0
    assert essence(tests.folder / "again.json") == essence(tests.folder / "whole.json")
    assert "of file" in (tests.folder / "merged.md").read_text()


def test_a_shard_that_is_missing_is_a_failure(project: Project) -> None:
    for n in range(6):
        project.write(f"test_{n}.py", "def test_it(): pass")
    names = []
    for index in (1, 2):
        project.launch("--shard", f"{index}/2")
        names.append(f"{index}.tar.gz")
        project.itdash("export", "-o", names[-1])
    whole = project.itdash("merge", *names)
    assert whole.code == 0, whole.out
    assert "6 passed" in whole.out
    part = project.itdash("merge", names[0])
    assert part.code == 99
    assert "missing: shard 2/2" in part.out


def test_shards_that_do_not_fit_are_a_failure(project: Project) -> None:
    for n in range(6):
        project.write(f"test_{n}.py", "def test_it(): pass")
    project.launch("--shard", "1/2")
    project.itdash("export", "-o", "1.tar.gz")
    project.write("test_new.py", "def test_new(): pass")
    project.launch("--shard", "2/2")
    project.itdash("export", "-o", "2.tar.gz")
    merged = project.itdash("merge", "1.tar.gz", "2.tar.gz")
    assert merged.code == 99
    assert "did not collect the same tests" in merged.out


def test_a_test_in_two_runs_is_told(project: Project) -> None:
    project.write("test_it.py", "import os\ndef test_it(): assert not os.environ.get('BAD')")
    first = project.launch().folder.name
    project.launch(BAD="1")
    merged = project.itdash("merge", first, "latest")
    assert merged.code == 1, merged.out
    assert "in more than one of the runs: test_it.py::test_it" in merged.out


def test_a_run_without_its_beginning_cannot_be_merged(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass")
    ran = project.launch()
    (ran.folder / "segments" / "itdash.jsonl").write_text("")
    before = sorted((project.folder / ".itdash" / "runs").iterdir())
    merged = project.itdash("merge", "latest")
    assert (merged.code, "Traceback" in merged.err) == (4, False)
    assert "does not tell how the run began" in merged.err
    assert sorted((project.folder / ".itdash" / "runs").iterdir()) == before


def test_an_empty_shard_is_told(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass")
    codes = [project.launch("--shard", f"{index}/2") for index in (1, 2)]
    assert sorted(ran.code for ran in codes) == [0, 5]
    assert any("has none of the 1 tests" in ran.out for ran in codes)
