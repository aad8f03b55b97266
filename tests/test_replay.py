"""`itdash replay` and `--rerun`, whole: a run shown again, from its folder or from a file."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran

TESTS = """
import pytest
from itdash import probe

def test_good():
    with probe.operation("fetch"):
        pass

def test_bad():
    assert 1 == 2

def test_ugly():
    raise RuntimeError("\\x1b[31mugly")

@pytest.mark.skip(reason="not now")
def test_skipped():
    pass
"""


@pytest.fixture
def ran(project: Project) -> Ran:
    """A run of which two tests failed."""
    project.write("test_it.py", TESTS)
    done = project.launch()
    assert done.code == 1, done.out + done.err
    return done


def lines(text: str) -> list[str]:
    """What was printed, without progress, which goes by the clock."""
    return [line for line in text.splitlines() if not re.search(r" \d+/\d+ ", line)]


def test_a_replay_says_what_the_run_said(project: Project, ran: Ran) -> None:
    again = project.itdash("replay")
    assert again.code == 0, again.err
    assert lines(again.out) == lines(ran.out)
    assert again.err == ""


def test_a_replay_at_a_pace_says_the_same(project: Project, ran: Ran) -> None:
    again = project.itdash("replay", "--speed", "50", "--headless")
    assert lines(again.out) == lines(ran.out)


def test_what_was_before_the_beginning_is_told_too(project: Project, ran: Ran) -> None:
    again = project.itdash("replay", "--from", "test_ugly")
    assert sorted(lines(again.out)) == sorted(lines(ran.out))


def test_the_summary_of_an_export_is_that_of_the_run(project: Project, ran: Ran) -> None:
    assert project.itdash("export", "-o", "again.json").code == 0
    again = json.loads((project.folder / "again.json").read_text())
    first = ran.summary
    for found in (again, first):
        found["observer"].pop("bytes")  # the last event is written after the summary
    assert again == first


def test_a_run_in_a_file_can_be_shown_elsewhere(project: Project, ran: Ran) -> None:
    packed = project.itdash("export", "-o", "run.tar.gz")
    assert packed.code == 0, packed.err
    assert packed.out.startswith("run.tar.gz  ")
    shutil.rmtree(project.folder / ".itdash")
    again = project.itdash("replay", "run.tar.gz")
    assert lines(again.out)[:-1] == lines(ran.out)[:-1]
    assert lines(again.out)[-1] == f"kept in {project.folder / 'run.tar.gz'}"
    assert "test_bad" in project.itdash("export", "run.tar.gz").out


def test_a_recording_that_was_cut_plays_as_far_as_it_goes(project: Project, ran: Ran) -> None:
    segment = ran.folder / "segments" / "pytest-1.jsonl"
    text = segment.read_bytes()
    segment.write_bytes(text[: text.index(b"test_ugly") + 40])
    (ran.folder / "segments" / "itdash.jsonl").write_text("")
    again = project.itdash("replay")
    assert again.code == 0
    assert "the recording has no end" in again.err
    assert "does not tell how the run began" in again.err


def test_only_what_failed_in_a_run_is_run_again(project: Project, ran: Ran) -> None:
    name = ran.folder.name
    project.itdash("export", "-o", "run.tar.gz")
    project.launch("-k", "test_good")
    for wanted in (name, "run.tar.gz"):
        again = project.launch("--rerun", wanted)
        assert set(again.cases) == {"test_bad", "test_ugly"}, again.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("replay", "nowhere"), 4, "there is no run 'nowhere'"),
        (("replay", "--from", "test_nowhere"), 4, "no test of the recording has 'test_nowhere' in its id"),
        (("replay", "--speed", "-1"), 4, "-1"),
        (("replay", "--", "x"), 4, "goes to pytest"),
        (("export", "--archive"), 4, "--archive"),
        (("export", "-o", "x.tar.gz", "--title", "t"), 4, "no title"),
        (("launch", "--rerun", "nowhere"), 4, "there is no run 'nowhere'"),
        (("launch", "--rerun", "latest", "--last-failed"), 4, "one of them is enough"),
    ],
)
def test_mistakes_are_told_in_words(
    project: Project, ran: Ran, arguments: tuple[str, ...], code: int, told: str
) -> None:
    assert ran.code == 1
    done = project.itdash(*arguments)
    assert (done.code, "Traceback" in done.err) == (code, False), done.err
    assert told in done.err


def test_nothing_to_run_again_is_told(project: Project) -> None:
    project.write("test_it.py", "def test_good(): pass")
    project.launch()
    done = project.launch("--rerun", "latest")
    assert done.code == 5
    assert "no test failed in run" in done.err
