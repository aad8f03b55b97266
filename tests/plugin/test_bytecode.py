"""Compiled files are believed only where they cannot be of another text than their source."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from itdash.plugin.bytecode import distrust

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

SECOND = 1_000_000_000


def compiled(folder: Path, flags: int = 0) -> tuple[Path, Path]:
    """A source, and something that passes for its compiled file."""
    source, result = folder / "it.py", folder / "it.pyc"
    source.write_text("")
    result.write_bytes(b"\xa7\r\r\n" + bytes([flags, 0, 0, 0]))
    return source, result


@pytest.mark.parametrize(
    ("later", "flags", "stays"), [(0, 0, False), (4, 0, False), (6, 0, True), (0, 3, True)]
)
def test_one_that_was_written_just_after_its_source_goes(
    tmp_path: Path, later: int, flags: int, stays: bool
) -> None:
    source, result = compiled(tmp_path, flags)
    moment = source.stat().st_ctime_ns + later * SECOND
    os.utime(result, ns=(moment, moment))
    distrust(str(source), str(result))
    assert result.exists() is stays


def test_a_source_whose_time_was_set_back_is_not_taken_for_old(tmp_path: Path) -> None:
    source, result = compiled(tmp_path)
    os.utime(source, (1, 1))
    distrust(str(source), str(result))
    assert not result.exists()


def test_without_a_compiled_file_or_a_source_nothing_happens(tmp_path: Path) -> None:
    source, result = compiled(tmp_path)
    result.unlink()
    distrust(str(source), str(result))
    source.unlink()
    distrust(str(source), str(result))


def save(project: Project, value: int) -> None:
    """The same size, the same second."""
    for name in ("conftest.py", "own.py"):
        os.utime(project.write(name, f"VALUE = {value}\n"), (1_700_000_000, 1_700_000_000))


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_run_sees_a_save_that_plain_python_misses(project: Project, workers: tuple[str, ...]) -> None:
    project.write(
        "test_it.py", "import conftest, own\ndef test_it(): assert own.VALUE == conftest.VALUE == 2\n"
    )
    writing = {"PYTHONDONTWRITEBYTECODE": ""}

    def plain() -> str:
        command = [sys.executable, "-c", "import own, conftest; print(own.VALUE)"]
        return subprocess.run(
            command,
            cwd=project.folder,
            env=project.environment(**writing),
            check=True,
            stdout=subprocess.PIPE,
        ).stdout.decode()

    save(project, 1)
    assert plain() == "1\n"
    save(project, 2)
    assert plain() == "1\n"
    ran = project.launch(*workers, **writing)
    assert ran.code == 0, ran.out
