"""Looks at real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from itdash.events import model
from itdash.runner.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
TREE = """
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"],
                         stdin=subprocess.PIPE)
threading.Thread(target=threading.Event().wait, daemon=True).start()
opened = [open("/dev/null") for _ in range(50)]
sum(range(3_000_000))
sys.stdin.read()
child.communicate()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """A process with a child, two threads and some descriptors."""
    with subprocess.Popen(
        [sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout and started.stdin
        started.stdout.readline()
        yield started
        started.stdin.close()
        started.wait()


def looked(pid: int) -> model.ResourcesSampled:
    seen: list[model.Event] = []
    Sampler(seen.append).check(SECOND, pid)
    (event,) = seen
    assert isinstance(event, model.ResourcesSampled)
    return event


def test_the_whole_tree_is_counted(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    event = looked(process.pid)
    while (event.threads < 3 or event.descriptors < 50 or not event.cpu) and time.monotonic() < deadline:
        event = looked(process.pid)
    assert (event.pid, event.processes, event.threads) == (process.pid, 2, 3)
    assert event.descriptors >= 50
    assert 5_000_000 < event.memory < 10**9
    assert event.cpu > 0


def test_it_looks_twice_a_second_once_the_process_has_started() -> None:
    seen: list[model.Event] = []
    sampler = Sampler(seen.append)
    for now in range(0, 3 * SECOND, SECOND // 20):
        sampler.check(now, 0 if now < SECOND else os.getpid())
    moments = [event.t / SECOND for event in seen]
    assert moments == [1.0, 1.5, 2.0, 2.5]


def test_a_process_that_is_gone_is_not_told() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    seen: list[model.Event] = []
    Sampler(seen.append).check(SECOND, gone.pid)
    assert seen == []


def test_it_never_raises_and_gives_up_where_it_cannot_look() -> None:
    calls = []

    def refuse(event: model.Event) -> None:
        calls.append(event)
        raise OSError("no space")

    sampler = Sampler(refuse)
    sampler.check(SECOND, os.getpid())
    sampler.check(9 * SECOND, os.getpid())
    assert len(calls) == 1
