"""How long each test takes, for a fair split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from history_support import run, test

from itdash.history.database import add
from itdash.history.durations import durations

if TYPE_CHECKING:
    from pathlib import Path


def test_the_median_of_the_last_five_runs_of_each(tmp_path: Path) -> None:
    for number, seconds in enumerate((100, 100, 1, 2, 3, 9, 50)):
        rare = {"rare": test("failed", duration=7 * 10**9)} if number < 2 else {}
        add(
            tmp_path, run(number, {"a": test(duration=seconds * 10**9), "off": test("not run", 0, 0), **rare})
        )
    assert durations(tmp_path) == {"a": 3.0, "rare": 7.0}


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    assert durations(tmp_path / "nowhere") == {}
