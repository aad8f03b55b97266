"""The page that GitHub shows of a job gets the run, without a word in the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

LIMIT = 1 << 20


@pytest.fixture(autouse=True)
def tests(project: Project) -> None:
    """One test that fails."""
    project.write("test_it.py", "def test_bad(): assert 1 == 2")


def test_the_run_is_added_to_what_is_there(project: Project) -> None:
    page = project.write("page.md", "before\n")
    assert project.launch(GITHUB_STEP_SUMMARY=str(page)).code == 1
    text = page.read_text()
    assert text.startswith("before\n# Test summary")
    assert "assert 1 == 2" in text


@pytest.mark.parametrize("left", [0, 10, 800, 1500])
def test_the_page_never_grows_beyond_what_github_takes(project: Project, left: int) -> None:
    page = project.write("page.md", "x" * (LIMIT - left))
    assert project.launch(GITHUB_STEP_SUMMARY=str(page)).code == 1
    assert LIMIT - left <= page.stat().st_size <= LIMIT


def test_a_page_that_cannot_be_written_is_told_and_changes_no_verdict(project: Project) -> None:
    ran = project.launch(GITHUB_STEP_SUMMARY=str(project.folder / "nowhere" / "page.md"))
    assert ran.code == 1
    assert "could not be written" in ran.out
