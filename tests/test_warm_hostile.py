"""Some of the hostile projects once more, run by processes that are forked from a warm one.

`ITDASH_ALL_HOSTILE=1` takes all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_hostile import EXPECTED, check

PROGRAM = (str(Path(__file__).parent / "warm_launch.py"), "launch")
SOME = (
    "abort_in_call", "atexit_exits_9", "clears_environment", "closes_descriptors", "conftest_segfault",
    "escapes_outside_of_tests", "exit_0_in_call", "fork_returns", "hang_in_call", "leaves_daemon",
    "nested_pytester", "outcomes_of_every_kind", "patches_json", "patches_os_write", "segfault_in_worker",
    "sigkill_group", "sigkill_parent", "warnings_of_every_kind",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(EXPECTED) if os.environ.get("ITDASH_ALL_HOSTILE") else SOME)
def test_a_warm_run_tells_the_same(name: str, tmp_path: Path) -> None:
    if EXPECTED[name].get("min_pytest", 0) > pytest.version_tuple[0]:
        pytest.skip(f"needs pytest {EXPECTED[name]['min_pytest']}")
    project = check(name, tmp_path, PROGRAM)
    segments = list(project.glob(".itdash/runs/*/segments/itdash.jsonl"))
    if EXPECTED[name].get("summary") != "lost":
        started = [line for line in segments[0].read_text().splitlines() if '"ProcessStarted"' in line]
        assert '"warm":true' in started[0]
