"""The seven scenarios as a whole: without a hand, in another order, with the same results, in 4.2 s."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ladder_support import SEVEN, SPENT, unrecorded

from itdash import probe

FILES = {
    "cache": "test_ladder_cache.py",
    "pool": "test_ladder_pool.py",
    "queue": "test_ladder_crash.py",
}
LONG = "test_stuck_job_triggers_timeout_and_fallback"
"""Waits 3.5 s by its nature, so it is not run a second time without need."""


def scenarios() -> dict[str, str]:
    """The scenarios by name, in the order of their files, as pytest wants to have them."""
    here = Path(__file__).parent
    return {
        name: f"{here / file}::{name}"
        for file in FILES.values()
        for name in re.findall(r"def (test_\w+)", (here / file).read_text())
        if name in SEVEN
    }


def durations(tests: list[str], folder: Path) -> dict[str, float]:
    """Run these tests in this order in a pytest of their own, with nobody at the keyboard.

    They must pass. By name, in the order in which they ran: how long each took, first line to last.
    """
    report = folder / "report.xml"
    # fmt: off
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}",
               "-o", "junit_duration_report=call", *tests]
    # fmt: on
    run = subprocess.run(
        command, env=unrecorded(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert [list(case) for case in cases] == [[]] * len(tests), run.stdout  # neither failed nor skipped
    return {case.attrib["name"]: float(case.attrib["time"]) for case in cases}


@pytest.mark.requirement("LADDER-TESTS-1", "LADDER-TESTS-2", "LADDER-TESTS-4")
def test_scenarios_pass_in_reverse_order_as_well(tmp_path: Path) -> None:
    tests = {name: test for name, test in scenarios().items() if name != LONG}
    backwards = list(tests)[::-1]
    assert len(backwards) == 6
    assert list(durations([tests[name] for name in backwards], tmp_path)) == backwards


@pytest.mark.requirement("LADDER-TESTS-3")
@pytest.mark.budget("scenarios.all", "count == 1", "max < 4.2s")
def test_the_seven_together(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What each took in this process; one that ran in another, or was not asked for, runs here for that."""
    nothing: dict[str, float] = {}
    here = request.config.stash.get(SPENT, nothing)
    spent = dict(here)
    if missing := [test for name, test in scenarios().items() if name not in spent]:
        spent |= durations(missing, tmp_path)
    for name in sorted(SEVEN):
        probe.record("scenario", spent[name], name=name)
    probe.record("scenarios.all", sum(spent[name] for name in SEVEN))
