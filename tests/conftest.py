"""What tests share: a project to run itdash in, and recorded journals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

collect_ignore = ["hostile", "journals"]

HERE = Path(__file__).parent


class Ran(NamedTuple):
    """What became of one `itdash` command."""

    code: int
    out: str
    err: str
    project: Path

    @property
    def folder(self) -> Path:
        """The newest run directory."""
        return sorted((self.project / ".itdash" / "runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)[
            -1
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """The newest run's summary."""
        loaded: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return loaded

    @property
    def cases(self) -> dict[str, dict[str, Any]]:
        """The tests by the last part of their id."""
        return {case["id"].rpartition("::")[2]: case for case in self.summary["cases"]}

    def outcomes(self) -> dict[str, str]:
        """The outcome of each test by the last part of its id."""
        return {name: case["outcome"] for name, case in self.cases.items()}


class Project:
    """A folder with tests in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")

    def write(self, name: str, text: str) -> Path:
        """Put a file there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a user who did nothing special."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def itdash(self, *arguments: str, **environment: str) -> Ran:
        """Run an itdash command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "itdash", *arguments],
            cwd=self.folder, env=self.environment(**environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr, self.folder)

    def launch(self, *arguments: str, **environment: str) -> Ran:
        """Run `itdash launch` without a screen."""
        return self.itdash("launch", "--headless", *arguments, **environment)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run bare pytest."""
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


JOURNALS = sorted(folder.name for folder in (HERE / "journals").iterdir() if folder.is_dir())


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest) -> Path:
    """Each recorded run in turn."""
    return HERE / "journals" / str(request.param)
