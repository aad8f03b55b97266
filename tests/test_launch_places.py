"""`itdash launch` in odd places: at the root of everything, with odd names, closed streams, no room."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from itdash.events.elsewhere import elsewhere, is_own
from itdash.session import run_to_end

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

ITDASH = f"exec '{sys.executable}' -m itdash"


def shell(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=project.folder, env=project.environment(), capture_output=True, text=True,
        timeout=120, check=False, errors="surrogateescape",
    )  # fmt: skip


def test_the_root_of_all_folders_can_be_the_projects(tmp_path: Path) -> None:
    code = f"from itdash.requirements.find import load; print(load([], '/', [{str(tmp_path)!r}]).declared)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("()\n", "")


def test_a_run_that_is_being_planned_can_be_interrupted() -> None:
    class Planning:
        closed = False

        def planned(self, *_: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)

        def begin(self, _: Any) -> None:
            raise AssertionError("nobody heard of it")

        def close(self) -> None:
            self.closed = True

    session: Any = Planning()
    nothing: Any = None
    with pytest.raises(KeyboardInterrupt):
        run_to_end(session, nothing, nothing)
    assert session.closed


def test_names_that_are_not_utf_8(project: Project) -> None:
    folder = os.fsdecode(os.fsencode(project.folder) + b"/caf\xe9")
    os.mkdir(folder)
    for name, code in ((b"test_a.py", "def test_a(): pass\n"), (b"test_\xe9.py", "def test_b(): assert 0\n")):
        with open(os.path.join(folder, os.fsdecode(name)), "w") as file:
            file.write(code)
    ran = shell(project, f"cd $(printf 'caf\\351') && {ITDASH} launch")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 failed, 1 passed" in ran.stdout
    chosen = shell(project, f"cd $(printf 'caf\\351') && {ITDASH} launch $(printf 'test_\\351.py')")
    assert "FAILED  1 failed in" in chosen.stdout, chosen.stdout + chosen.stderr
    expression = shell(project, f"cd $(printf 'caf\\351') && {ITDASH} launch -k $(printf '\\351')")
    assert expression.returncode == 4
    assert "Wrong expression passed to '-k'" in expression.stdout
    assert "Traceback" not in expression.stdout + expression.stderr


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start(project: Project, closed: str) -> None:
    project.write("test_a.py", "import sys\ndef test_a(): print('hello'), print('there', file=sys.stderr)\n")
    ran = shell(project, f"{ITDASH} launch {closed}")
    assert (ran.returncode, ran.stderr) == (0, "")
    (summary,) = (project.folder / ".itdash" / "runs").glob("*/summary.json")
    assert json.loads(summary.read_text())["outcomes"]["passed"] == 1
    for command in ("--version", "config", "requirements"):
        told = shell(project, f"{ITDASH} {command} {closed}")
        assert (told.returncode, told.stderr) == (0, ""), command


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_the_output_is_told(project: Project, unbuffered: str) -> None:
    project.write("test_a.py", "def test_a(): pass\n")
    full = f"PYTHONUNBUFFERED={unbuffered} {ITDASH.removeprefix('exec ')}"
    told = "itdash: the output is not whole: No space left on device\n"
    version = shell(project, f"{full} --version >/dev/full")
    assert (version.returncode, version.stderr) == (3, told)
    ran = shell(project, f"{full} launch >/dev/full")
    assert (ran.returncode, ran.stderr) == (0, told)


def test_runs_that_find_no_room_are_kept_in_one_place_and_known_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / ".itdash").write_text("a file")
    project.write("itdash.toml", "keep_runs = 2\n")
    project.write("test_a.py", "def test_a(): pass\ndef test_b(): assert 0\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for _ in range(3):
        ran = project.launch(TMPDIR=str(temporary))
        assert ran.code == 1, ran.out + ran.err
    assert ran.out.startswith("itdash ")
    (place,) = temporary.iterdir()
    assert len(list((place / "runs").iterdir())) == 2
    assert place.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert place == elsewhere(project.folder / ".itdash")
    again = project.launch("--last-failed", TMPDIR=str(temporary))
    assert "1 failed, 1 deselected" in again.out


def test_a_place_that_others_could_have_made_is_not_trusted(tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert not is_own(place)
    place.mkdir(0o755)
    assert not is_own(place)
    place.chmod(0o700)
    assert is_own(place)
    link = tmp_path / "link"
    link.symlink_to(place)
    assert not is_own(link)
