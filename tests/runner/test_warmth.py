"""Where runs may be forked from a warm process, and what is said where not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from itdash.config import Config
from itdash.runner.warmth import possible, warmth

if TYPE_CHECKING:
    from conftest import Project


@pytest.mark.parametrize(
    ("platform", "forks", "may", "word"),
    [
        ("linux", True, True, "forked"),
        ("darwin", True, False, "macOS"),
        ("win32", False, False, "cannot fork"),
        ("freebsd14", True, False, "Linux"),
    ],
)
def test_the_system_decides(platform: str, forks: bool, may: bool, word: str) -> None:
    told = possible(platform, forks)
    assert told[0] is may
    assert word in told[1]


def test_the_configuration_can_only_say_no() -> None:
    assert warmth(Config(warm=False)) == (False, "switched off (warm = false)")
    assert warmth(Config())[0] is (sys.platform == "linux")


def test_the_reason_stands_in_the_configuration(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass")
    assert "warm:    yes, runs after the first" in project.itdash("config").out
    assert "warm:    no, switched off" in project.itdash("config", ITDASH_WARM="false").out
