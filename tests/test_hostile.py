"""Projects with one fault each: whatever a test does, the run ends and tells the truth."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import pytest

HOSTILE = Path(__file__).parent / "hostile"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HOSTILE / "expected.toml").read_text(encoding="utf-8"))
FIELDS = {"args", "pytest_args", "verdict", "exit_code", "outcomes", "cause_contains", "counts", "cases",
          "stdout_contains", "kept_contains", "summary", "min_pytest", "why"}  # fmt: skip

BOUND = 60
SHOWN_AT_MOST = 1_000_000
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")

# Their output, order, threads or late imports would be faults of their own.
UNWANTED = ("randomly", "sugar", "hypothesispytest", "asyncio", "anyio", "pytest_cov", "rerunfailures")


def test_each_project_has_an_expectation_and_each_expectation_a_project() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in HOSTILE.iterdir() if path.is_dir())
    for name, expected in EXPECTED.items():
        assert expected.keys() <= FIELDS, name
        assert {"verdict", "exit_code"} <= expected.keys(), name


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_hostile(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, ("-m", "itdash", "launch"))


def check(name: str, tmp_path: Path, program: tuple[str, ...]) -> Path:
    """Launch a project and hold what is told of it against what must be; its folder."""
    expected = EXPECTED[name]
    if expected.get("min_pytest", 0) > pytest.version_tuple[0]:
        pytest.skip(f"needs pytest {expected['min_pytest']}")
    project = tmp_path / name
    shutil.copytree(HOSTILE / name, project)
    if not (project / "pytest.ini").exists():
        (project / "pytest.ini").write_text("[pytest]\n")  # nothing above the folder has a say

    code, stdout, stderr, left = launch(project, tmp_path, expected, program)

    assert "Traceback" not in stderr, stderr
    assert not left, f"left running: {left}"
    check_shown(stdout)
    assert code in one_or_more(expected["exit_code"]), stdout[-3000:] + stderr[-3000:]
    for text in expected.get("stdout_contains", []):
        assert text in stdout, stdout[-3000:]
    summaries = sorted(project.glob(".itdash/runs/*/summary.json"))
    if expected.get("summary") != "lost":
        assert summaries, "no summary.json"
    if summaries:
        summary = json.loads(summaries[-1].read_text(encoding="utf-8"))
        check_summary(summary, expected, code, stdout)
    for text in expected.get("kept_contains", []):
        assert any(
            text.encode() in path.read_bytes() for path in summaries[-1].parent.rglob("*") if path.is_file()
        )
    return project


def launch(
    project: Path, place: Path, expected: dict[str, Any], program: tuple[str, ...]
) -> tuple[int, str, str, list[str]]:
    """Run itdash on a project: its exit code, both outputs, and what it left running."""
    marker = uuid.uuid4().hex
    environment = {
        key: text for key, text in os.environ.items() if not key.startswith(("PYTEST_", "ITDASH_"))
    }
    without = [word for plugin in UNWANTED for word in ("-p", f"no:{plugin}")]
    command = [sys.executable, *program, "--headless", *expected.get("args", []),
               "--", *without, *expected.get("pytest_args", [])]  # fmt: skip
    out, err = place / "stdout", place / "stderr"
    # Files and not pipes: a process that was left behind could hold a pipe open for ever.
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=project, env=environment | {"HOSTILE_MARKER": marker}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
        )  # fmt: skip
        try:
            code = process.wait(BOUND)
        finally:
            process.kill()
            process.wait()
            left = end_processes_of(project, marker)
    return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"), left


def end_processes_of(project: Path, marker: str) -> list[str]:
    """Kill what the run left behind, and tell what it was."""
    left = []
    pids = {
        int(path.name) for path in Path("/proc").glob("[0-9]*") if marker.encode() in read(path / "environ")
    }
    daemon = project / "daemon.pid"
    if daemon.exists() and b"sleep" in read(Path("/proc", daemon.read_text(), "cmdline")):
        pids.add(int(daemon.read_text()))
    for pid in pids:
        command = read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        left.append(f"{pid} {command}")
    return left


def read(path: Path) -> bytes:
    """A file below /proc, which may be gone at any moment."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def one_or_more(expected: Any) -> list[Any]:
    return expected if isinstance(expected, list) else [expected]


def check_shown(stdout: str) -> None:
    """What is shown is bounded, and nothing in it commands a terminal."""
    assert len(stdout) <= SHOWN_AT_MOST
    commands = {char for char in set(stdout) if unicodedata.category(char) == "Cc" or char in BIDI}
    assert commands <= {"\n"}, commands


def check_summary(summary: dict[str, Any], expected: dict[str, Any], code: int, stdout: str) -> None:
    """The summary says what is expected, and does not contradict itself."""
    cases = {case["id"]: case for case in summary["cases"]}
    told = {name: (case["outcome"], case.get("cause")) for name, case in cases.items()}
    assert summary["verdict"] in one_or_more(expected["verdict"]), told
    assert summary["exit_code"] == code
    assert (summary["verdict"] == "passed") == (code == 0)
    assert all(0 <= case["duration"] < BOUND for case in cases.values())
    assert len(summary["cases"]) == expected.get("cases", len(summary["cases"]))
    for end, outcomes in expected.get("outcomes", {}).items():
        found = [case["outcome"] for name, case in cases.items() if f"::{name}".endswith(f"::{end}")]
        assert found or "absent" in one_or_more(outcomes), (end, told)
        assert set(found) <= set(one_or_more(outcomes)), (end, told)
    for end, cause in expected.get("cause_contains", {}).items():
        assert [
            name for name, case in cases.items() if name.endswith(f"::{end}") and cause in case["cause"]
        ], told
        told_early = stdout.partition("\nslowest:")[0]  # a slow test is named there whatever became of it
        assert end in told_early
        assert cause in told_early
    for word, count in expected.get("counts", {}).items():
        assert summary["outcomes"].get(word, 0) == count, (word, summary["outcomes"])
