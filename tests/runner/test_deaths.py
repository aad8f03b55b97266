"""Processes that are killed while operations are in flight."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from itdash.events import model
from itdash.events.births import born, numbering
from itdash.runner.deaths import Deaths
from itdash.state.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system cannot watch a process")


class Flying(Operations):
    """Operations of made-up processes, all in flight."""

    def __init__(self, **sources: dict[str, object]) -> None:
        super().__init__()
        self.sources = sources

    def in_flight(self) -> dict[str, dict[str, object]]:
        return self.sources


class Told:
    """What was told, in its order."""

    def __init__(self) -> None:
        self.events: list[model.Event] = []
        self.read: list[str] = []
        self.deaths = Deaths(self.events.append, self.read.append)


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.deaths.close()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as started:
        yield started
        started.kill()


def header(pid: int, **more: object) -> dict[str, object]:
    return {"pid": pid, "born": born(pid), "numbering": numbering(), **more}


def until(told: Told, flying: Operations, done: Callable[[], object]) -> int:
    """Look until a condition holds; the moment of the last look."""
    for look in range(1, 2000):
        told.deaths.check(look, flying)
        if done():
            return look
        time.sleep(0.005)
    pytest.fail("nothing was noticed")


def test_a_killed_process_is_told_at_the_moment_when_it_was_noticed(
    told: Told, process: subprocess.Popen[bytes]
) -> None:
    flying = Flying(child=header(process.pid), own=header(os.getpid()))
    for now in range(3):
        told.deaths.check(now, flying)
    assert not told.read
    process.kill()  # and nobody waits for it
    noticed = until(told, flying, lambda: told.read)
    assert told.read == ["child"]
    assert not told.events  # its file is read first
    told.deaths.check(noticed + 1, flying)
    assert told.events == [model.ProbeLost(noticed, "child")]
    for now in range(3):
        told.deaths.check(noticed + 2 + now, flying)
    assert len(told.events) == 1


def test_one_that_ended_its_operations_is_not_told(told: Told, process: subprocess.Popen[bytes]) -> None:
    told.deaths.check(1, Flying(child=header(process.pid)))
    process.kill()
    until(told, Flying(child=header(process.pid)), lambda: told.read)
    told.deaths.check(9, Flying())
    assert not told.events


def test_one_that_is_gone_already(told: Told, process: subprocess.Popen[bytes]) -> None:
    before = header(process.pid)
    process.kill()
    process.wait()
    told.deaths.check(5, Flying(child=before))
    told.deaths.check(6, Flying(child=before))
    assert told.events == [model.ProbeLost(5, "child")]


def test_a_number_that_was_given_away_again(told: Told) -> None:
    flying = Flying(child=header(os.getpid(), born="1"))
    told.deaths.check(5, flying)
    told.deaths.check(6, flying)
    assert told.events == [model.ProbeLost(5, "child")]


@pytest.mark.parametrize("more", [{"numbering": "pid:[1]"}, {"numbering": ""}, {"born": ""}, {"pid": "1"}])
def test_a_number_that_means_nothing_here_is_let_be(told: Told, more: dict[str, object]) -> None:
    flying = Flying(child={**header(1 << 22), "born": "7", **more})
    for now in range(3):
        told.deaths.check(now, flying)
    assert not (told.read or told.events)


def test_every_descriptor_is_given_back(told: Told, process: subprocess.Popen[bytes]) -> None:
    before = set(os.listdir("/proc/self/fd"))
    told.deaths.check(1, Flying(child=header(process.pid)))
    assert len(set(os.listdir("/proc/self/fd")) - before) == 1
    told.deaths.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_process_knows_its_birth() -> None:
    assert born(os.getpid()).isdigit()
    assert born(os.getpid()) == born(os.getpid())
    assert born(1 << 30) == ""
