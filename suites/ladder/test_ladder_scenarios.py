"""The seven scenarios as a whole: without a hand, in any order, with the same results, in so many seconds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ladder_support import SEVEN, SPENT, unrecorded

from itdash import probe

FILES = {
    "cache": "test_ladder_cache.py",
    "pool": "test_ladder_pool.py",
    "queue": "test_ladder_crash.py",
}
LONG = "test_stuck_job_triggers_timeout_and_fallback"
"""Waits 3.5 s by its nature; it has run once in this session already."""


def scenarios() -> list[str]:
    """The scenarios as pytest wants to have them, in the order of their files."""
    here = Path(__file__).parent
    return [
        f"{here / file}::{name}"
        for file in FILES.values()
        for name in re.findall(r"def (test_\w+)", (here / file).read_text())
        if name in SEVEN - {LONG}
    ]


def outcomes(tests: list[str]) -> list[tuple[str, str]]:
    """Run these tests in this order in a pytest of their own, with nobody at the keyboard."""
    command = [sys.executable, "-m", "pytest", "-v", "--no-header", *tests]
    run = subprocess.run(
        command, env=unrecorded(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = re.findall(r"::(test_\w+) ([A-Z]+)", run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    return found


@pytest.mark.requirement("LADDER-TESTS-1", "LADDER-TESTS-2", "LADDER-TESTS-4")
def test_scenarios_pass_in_reverse_order_as_well() -> None:
    tests = scenarios()
    assert len(tests) == 6
    backwards = tests[::-1]
    assert outcomes(backwards) == [(test.rpartition("::")[2], "PASSED") for test in backwards]


@pytest.mark.requirement("LADDER-TESTS-3")
@pytest.mark.budget("scenarios.all", "count == 1", "max < 4.2s")
def test_the_seven_together(request: pytest.FixtureRequest) -> None:
    """What they took in this session, from the first line to the last of each."""
    spent = request.config.stash.get(SPENT, {})
    if missing := SEVEN - spent.keys():
        pytest.skip(f"{len(missing)} of the seven did not run in this session")
    for name in sorted(SEVEN):
        probe.record("scenario", spent[name], name=name)
    probe.record("scenarios.all", sum(spent[name] for name in SEVEN))
