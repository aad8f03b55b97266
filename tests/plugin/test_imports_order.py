"""Which files come first in a run, and what is not torn apart for it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

RUN = """
import sys
from pathlib import Path
from itdash.runner.command import Request
from itdash.config import load
from itdash.runner.process import start_keeper
from itdash.session import Session, Terms, run_to_end
from itdash.views.summary import SummaryFile
link = start_keeper()
here = Path.cwd()
tiers = tuple(tuple(str(here / name) for name in tier.split()) for tier in sys.argv[1].split(","))
request = Request(first=tiers)
sys.exit(run_to_end(Session(Terms(here, here, ()), link, [SummaryFile()]), request, load(here, {}).config))
"""


def order(project: Project, tiers: str) -> list[str]:
    """The tests in the order in which they ran, by file and name."""
    subprocess.run(
        [sys.executable, "-c", RUN, tiers], cwd=project.folder, env=project.environment(), check=True
    )
    run = sorted((project.folder / ".itdash" / "runs").iterdir())[-1]
    (file,) = (run / "segments").glob("pytest*.jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()]
    names = [row[0] for event in events if event["kind"] == "CasesCollected" for row in event["cases"]]
    return [names[event.get("case", 0)] for event in events if event["kind"] == "CaseStarted"]


def test_whole_files_come_first_in_the_order_of_their_tiers(project: Project) -> None:
    for letter in "abcd":
        project.write(f"test_{letter}.py", "def test_1(): pass\ndef test_2(): pass\n")
    assert order(project, "test_d.py,test_b.py test_c.py") == [
        f"test_{letter}.py::test_{number}" for letter in "dbca" for number in (1, 2)
    ]


def test_files_that_a_fixtures_parameters_tie_together_stay_together(project: Project) -> None:
    project.write(
        "conftest.py",
        "import pytest\n@pytest.fixture(scope='session', params=[1, 2])\n"
        "def server(request): return request.param\n",
    )
    project.write("test_a.py", "def test_1(): pass\n")
    project.write("test_b.py", "def test_1(server): pass\n")
    project.write("test_c.py", "def test_1(server): pass\n")
    project.write("test_d.py", "def test_1(): pass\n")
    assert order(project, "test_d.py,test_c.py") == [
        "test_d.py::test_1",
        "test_b.py::test_1[1]",
        "test_c.py::test_1[1]",
        "test_b.py::test_1[2]",
        "test_c.py::test_1[2]",
        "test_a.py::test_1",
    ]
