"""What the history knows of a run: enough to judge and to compare it when its folder is gone."""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

import msgspec

from itdash.measure.latency import Histogram  # it stands in annotations of records

UNFINISHED: Final = "unfinished"
"""The verdict on a run whose itdash was killed."""


class Head(msgspec.Struct, frozen=True):
    """A run without what became of each test; `duration` is in nanoseconds, `asked` is what pytest was given.

    `root` is the project's folder on the machine that ran it.
    """

    name: str
    started: float = 0.0
    duration: int = 0
    verdict: str = UNFINISHED
    exit_code: int | None = None
    commit: str = ""
    branch: str = ""
    clean: bool = False
    machine: str = ""
    python: str = ""
    pytest: str = ""
    workers: int = 0
    root: str = ""
    command: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    counts: dict[str, int] = {}

    @property
    def kind(self) -> tuple[str, str, int]:
        """Durations of runs that agree in this can be held against each other."""
        return self.machine, self.python, self.workers

    @property
    def deselected(self) -> int:
        """How many tests were left out."""
        return self.counts.get("deselected", 0)


class Test(NamedTuple):
    """What became of a test; its duration is in nanoseconds."""

    outcome: str
    attempts: int
    duration: int


class Operation(msgspec.Struct, frozen=True):
    """What was measured of an operation, over the whole run."""

    count: int
    errors: int
    peak: int
    latency: Histogram


class Budget(NamedTuple):
    """A verdict on a budget, of a test or of a suite; `margin` is the part of the limit that was used up."""

    verdict: str
    margin: float | None


class Owned(NamedTuple):
    """Which budget: whose it is, of which operation, and its text."""

    owner: str
    operation: str
    text: str


class Record(msgspec.Struct, frozen=True):
    """A whole run; tests by their name, operations by theirs, requirements by suite and id."""

    head: Head
    tests: dict[str, Test] = {}
    operations: dict[str, Operation] = {}
    budgets: dict[Owned, Budget] = {}
    requirements: dict[tuple[str, str], str] = {}


def name_of(nodeid: str, rootdir: str, root: str) -> str:
    """A test's name in the history: its node id, told from the project's folder.

    Where pytest's own root is that folder, it is the node id; else ids depend on what pytest was given.
    """
    if not rootdir or not root or rootdir == root:
        return nodeid
    file, mark, rest = nodeid.partition("::")
    return os.path.relpath(os.path.join(rootdir, file), root) + mark + rest


def wire(histogram: Histogram) -> bytes:
    """A histogram as bytes for the database."""
    return msgspec.msgpack.encode(histogram.to_wire())


def from_wire(data: Any) -> Histogram:
    """The histogram again; an empty one where the bytes are none."""
    try:
        return Histogram.from_wire(msgspec.msgpack.decode(data, type=list[int]))
    except (msgspec.DecodeError, ValueError, TypeError):
        return Histogram()
