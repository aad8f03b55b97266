"""The folders of runs: made, hidden from git, and the oldest let go."""

from __future__ import annotations

import json
import os
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from itdash.errors import RunDirectoryError
from itdash.events import staying
from itdash.events.journal import runs
from itdash.runner import rundir

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

NO_PROCESS = 2**31 - 1  # beyond every limit of the kernel


def a_run(base: Path, name: str, size: int = 0) -> Path:
    """A run that is over."""
    folder = base / "runs" / name
    (folder / "segments").mkdir(parents=True)
    (folder / "pytest.log").write_bytes(b"x" * size)
    return folder


def kept(base: Path) -> list[str]:
    return [folder.name for folder in runs(base / "runs")]


# -- create --


def test_a_folder_for_the_run_with_its_segments(tmp_path: Path) -> None:
    folder, warning = rundir.create(tmp_path / "deep" / ".itdash")
    assert warning == ""
    assert folder.parent == tmp_path / "deep" / ".itdash" / "runs"
    assert (folder / "segments").is_dir()
    assert (folder / "pid").read_text() == str(os.getpid())


def test_git_passes_over_it(tmp_path: Path) -> None:
    base = tmp_path / ".itdash"
    rundir.create(base)
    assert (base / ".gitignore").read_text() == "*\n"
    (base / ".gitignore").write_text("mine\n")
    rundir.create(base)
    assert (base / ".gitignore").read_text() == "mine\n"


def test_git_does_not_pass_over_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "sources.py").touch()
    rundir.create(tmp_path)
    assert not (tmp_path / ".gitignore").exists()


def test_names_sort_by_time_also_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = 1_000_000_000
    # The last hour of summer time in central Europe comes twice by its clocks.
    summer, winter = 1_761_437_400 * second, 1_761_441_000 * second
    moments = [summer, summer + second // 1000, summer + second // 2, summer + 2 * second, winter]
    made = []
    for moment in moments:
        monkeypatch.setattr("itdash.runner.rundir.time.time_ns", lambda moment=moment: moment)
        made.append(rundir.create(tmp_path)[0].name)
    assert sorted(made) == made
    assert kept(tmp_path) == made[::-1]
    assert made[0].startswith("20251026-001000-000")


def test_two_runs_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bits = iter([b"aa", b"aa", b"aa", b"bb"])
    monkeypatch.setattr("itdash.runner.rundir.time.time_ns", lambda: 0)
    monkeypatch.setattr("itdash.runner.rundir.os.urandom", lambda _: next(bits))
    assert rundir.create(tmp_path)[0] != rundir.create(tmp_path)[0]


@pytest.mark.parametrize("in_the_way", [".itdash", ".itdash/runs"])
def test_where_no_folder_can_be_made_the_run_goes_elsewhere_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_way: str
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    base = tmp_path / "project" / ".itdash"
    blocker = tmp_path / "project" / in_the_way
    blocker.parent.mkdir(parents=True)
    blocker.write_text("a file")
    folder, warning = rundir.create(base)
    assert folder.is_relative_to(place)
    assert (folder / "segments").is_dir()
    assert f"runs cannot be kept in {base}" in warning
    assert str(folder.parent.parent) in warning
    assert blocker.read_text() == "a file"


def test_where_there_is_no_place_at_all_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(blocker))
    with pytest.raises(RunDirectoryError, match="there is no place to keep the run") as caught:
        rundir.create(blocker / ".itdash")
    assert caught.value.exit_code == 3


def test_a_whole_run_goes_elsewhere_and_its_log_says_where(project: Project, tmp_path: Path) -> None:
    (project.folder / ".itdash").write_text("a file")
    project.write("test_a.py", "def test_a(): pass\n")
    place = tmp_path / "temporary"
    place.mkdir()
    ran = project.launch(TMPDIR=str(place), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert ran.code == 0, ran.out + ran.err
    (summary,) = place.glob("itdash-*/runs/*/summary.json")
    assert f"runs cannot be kept in {project.folder / '.itdash'}" in ran.out
    assert str(summary.parent) in ran.out
    assert "cannot be kept" in json.loads(summary.read_text())["notes"][0]


# -- retain --


def test_the_oldest_beyond_the_number_go(tmp_path: Path) -> None:
    for number in range(5):
        a_run(tmp_path, f"2025010{number}")
    assert rundir.retain(tmp_path, 3, 10**9) == ["20250101", "20250100"]
    assert kept(tmp_path) == ["20250104", "20250103", "20250102"]
    assert rundir.retain(tmp_path, 3, 10**9) == []


def test_the_oldest_beyond_the_bytes_go(tmp_path: Path) -> None:
    for number in range(5):
        a_run(tmp_path, f"2025010{number}", 100)
    assert rundir.retain(tmp_path, 100, 250) == ["20250102", "20250101", "20250100"]
    assert kept(tmp_path) == ["20250104", "20250103"]


def test_bytes_deep_in_a_run_count(tmp_path: Path) -> None:
    old, new = a_run(tmp_path, "1"), a_run(tmp_path, "2")
    (old / "output").mkdir()
    (old / "output" / "long.txt").write_bytes(b"x" * 1000)
    assert rundir.retain(tmp_path, 9, 999) == ["1"]
    assert new.exists()


@pytest.mark.parametrize(("keep", "limit"), [(1, 10**9), (100, 0)])
def test_the_newest_stays_whatever_it_takes(tmp_path: Path, keep: int, limit: int) -> None:
    a_run(tmp_path, "1", 10)
    a_run(tmp_path, "2", 10)
    assert rundir.retain(tmp_path, keep, limit) == ["1"]
    assert kept(tmp_path) == ["2"]


def test_a_run_that_is_being_written_stays(tmp_path: Path) -> None:
    for name, pid in [
        ("1", os.getpid()),
        ("2", NO_PROCESS),
        ("3", os.getppid()),
        ("4", 0),
        ("5", os.getpid()),
    ]:
        (a_run(tmp_path, name) / "pid").write_text(str(pid) if pid else "no number")
    assert rundir.retain(tmp_path, 1, 0) == ["4", "2"]
    assert kept(tmp_path) == ["5", "3", "1"]


def test_a_run_of_somebody_elses_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    (a_run(tmp_path, "1") / "pid").write_text("1")
    a_run(tmp_path, "2")
    monkeypatch.setattr("itdash.runner.rundir.os.kill", kill)
    assert rundir.retain(tmp_path, 1, 0) == []


@pytest.mark.parametrize("text", ["", "x", "9" * 30, "\x00"])
def test_a_note_of_a_process_that_is_none(tmp_path: Path, text: str) -> None:
    (a_run(tmp_path, "1") / "pid").write_text(text)
    a_run(tmp_path, "2")
    assert rundir.retain(tmp_path, 1, 0) == ["1"]


def test_the_oldest_beyond_the_days_go(tmp_path: Path) -> None:
    now = time.time()
    names = [time.strftime("%Y%m%d-%H%M%S-0", time.gmtime(now - days * 86_400)) for days in (0, 1, 3, 9)]
    for name in names:
        a_run(tmp_path, name)
    unnamed = a_run(tmp_path, "0-of-another-name")  # its folder tells how old it is
    assert rundir.retain(tmp_path, 100, 10**9, 2) == names[2:]
    os.utime(unnamed, (now - 5 * 86_400,) * 2)
    assert rundir.retain(tmp_path, 100, 10**9, 2) == [unnamed.name]


def test_the_baseline_stays(tmp_path: Path) -> None:
    for number in range(4):
        a_run(tmp_path, f"2025010{number}")
    staying.make_baseline(tmp_path, "20250101")
    assert rundir.retain(tmp_path, 1, 10**9) == ["20250102", "20250100"]
    assert kept(tmp_path) == ["20250103", "20250101"]
    staying.make_baseline(tmp_path, "")
    assert staying.baseline(tmp_path) == ""
    assert rundir.retain(tmp_path, 1, 10**9) == ["20250101"]


def test_what_is_beyond_is_told_before_it_goes(tmp_path: Path) -> None:
    other = tmp_path / "other"
    a_run(tmp_path, "20250103", 10)
    a_run(other, "20250102", 20)
    (a_run(other, "20250101") / "pid").write_text(str(os.getpid()))
    found = rundir.doomed([tmp_path, other], rundir.Limits(runs=0))
    assert [(one.folder.name, one.size, one.why) for one in found] == [
        ("20250103", 10, "beyond the newest 0"), ("20250102", 20, "beyond the newest 0"),
    ]  # fmt: skip
    assert rundir.doomed([tmp_path, other], rundir.Limits()) == []
    assert rundir.remove(found) == ["20250103", "20250102"]


def test_what_is_no_run_is_not_touched(tmp_path: Path) -> None:
    a_run(tmp_path, "2")
    (tmp_path / "runs" / "1-notes").mkdir()
    (tmp_path / "runs" / "0.txt").touch()
    assert rundir.retain(tmp_path, 1, 0) == []
    assert rundir.retain(tmp_path / "nowhere", 1, 0) == []
    assert sorted(os.listdir(tmp_path / "runs")) == ["0.txt", "1-notes", "2"]


def test_a_run_that_cannot_be_deleted_is_not_called_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(tmp_path, "1")
    a_run(tmp_path, "2")
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    assert rundir.retain(tmp_path, 1, 0) == []


def test_runs_come_and_go_with_itdash(project: Project) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("pyproject.toml", "[tool.itdash]\nkeep_runs = 2\n")
    folders = []
    for _ in range(3):
        ran = project.launch(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert ran.code == 0, ran.out + ran.err
        folders.append(max((project.folder / ".itdash" / "runs").iterdir()))
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert not list(folders[-1].glob("pid"))
