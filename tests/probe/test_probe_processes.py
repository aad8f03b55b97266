"""Children: each writes a file of its own, and none writes to its parent's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from probe_support import Recording, record

from itdash import probe
from itdash.probe import attention

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The probe of this process records."""
    return record(tmp_path, monkeypatch)


LIGHT = """
import sys
before = set(sys.modules)
from itdash import probe
for _ in range(5):
    with probe.operation("child", role="worker"):
        pass
probe.mark("from the child")
heavy = {"msgspec", "pytest", "_pytest", "psutil", "asyncio", "click", "threading", "logging"}
assert not heavy & (set(sys.modules) - before), set(sys.modules)
"""


def in_fork(work: Callable[[], None]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_a_child_that_inherits_the_environment_records_and_imports_little(recording: Recording) -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True)
    state = recording.state()
    operation = state.operations.operations["child"]
    assert operation.total.count == 5
    assert operation.sets[("role", "worker"),].latency.count == 5
    assert [mark.text for mark in state.operations.marks] == ["from the child"]


def test_a_child_without_the_variable_is_silent(recording: Recording) -> None:
    environment = {key: value for key, value in os.environ.items() if key != attention.VARIABLE}
    subprocess.run([sys.executable, "-c", LIGHT], check=True, env=environment)
    assert recording.operations().operations == {}


def test_a_variable_that_makes_no_sense_is_passed_over(recording: Recording) -> None:
    for value in ("", "x", "1;2", "a;b;c;/nowhere", f"1;p;;{recording.folder}/nowhere", "-1;p;;/tmp"):
        subprocess.run(
            [sys.executable, "-c", LIGHT], check=True, env={**os.environ, attention.VARIABLE: value}
        )
    assert recording.operations().operations == {}


def work() -> None:
    for _ in range(10):
        with probe.operation("work"):
            pass


def test_a_forked_child_writes_a_file_of_its_own(recording: Recording) -> None:
    work()
    in_fork(work)
    in_fork(lambda: in_fork(work))
    work()
    tally = recording.operations().operations["work"].total
    assert (tally.count, tally.latency.count, tally.now) == (40, 40, 0)
    assert len(list((recording.folder / "segments").glob("*.ops"))) == 3


def test_a_fork_before_the_first_operation(recording: Recording) -> None:
    in_fork(work)
    work()
    assert recording.operations().operations["work"].total.count == 20


def test_a_child_does_not_end_what_its_parent_began(recording: Recording) -> None:
    with probe.operation("outer"):
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
    if pid == 0:
        os._exit(0)
    tally = recording.operations().operations["outer"].total
    assert (tally.count, tally.latency.count, tally.peak) == (1, 1, 1)


def test_a_note_of_a_forked_child_reaches_the_reader(recording: Recording) -> None:
    work()
    in_fork(lambda: probe.record("work", -1))
    assert recording.state().notes == ["the probe refused a measurement: 'work' cannot have taken -1 seconds"]
    assert recording.told == []


def test_a_killed_child_leaves_what_it_had_recorded(recording: Recording) -> None:
    def killed() -> None:
        with probe.operation("killed"):
            work()
            os.kill(os.getpid(), 9)

    in_fork(killed)
    operations = recording.operations().operations
    assert operations["work"].total.latency.count == 10
    assert (operations["killed"].total.count, operations["killed"].total.latency.count) == (1, 0)
