"""What itdash tells the pytest process that it starts: where to record, and what to leave out."""

from __future__ import annotations

import signal

import msgspec

STACKS_SIGNAL = int(signal.SIGRTMIN) + 7 if hasattr(signal, "SIGRTMIN") else 0
"""On this signal a recorded process writes the stacks of all its threads."""


class Group(msgspec.Struct, frozen=True):
    """One way to pick tests: `mark`, `k` or `path`, its expression, and the folders in which it picks.

    `named` is what a message calls it.
    """

    kind: str
    expression: str
    below: tuple[str, ...] = ()
    named: str = "a group"


SPLIT = 0
"""Stands where a shard would: the tests of this file are in several."""


class Shard(msgspec.Struct, frozen=True):
    """One of `total` parts of the tests; `homes` has those of the files and tests whose times are known."""

    index: int
    total: int
    homes: dict[str, int]
    fingerprint: str


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which of the collected tests to run, beyond what pytest's own options say.

    `first` are files whose tests come before all others, the more urgent before the less.
    """

    groups: tuple[Group, ...] = ()
    only: frozenset[str] | None = None
    done: frozenset[str] = frozenset()
    first: tuple[tuple[str, ...], ...] = ()
    shard: Shard | None = None


class Assignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of one run; `first` is the number of the first test that it may number.

    `imports` are folders: which file in them imports which is recorded.
    """

    folder: str
    origin: int
    part: int
    first: int = 0
    worker: str = ""
    selection: Selection = Selection()
    imports: tuple[str, ...] = ()

    @property
    def segment(self) -> str:
        """The name of this process's own file of events."""
        return f"pytest-{self.part}{'-' if self.worker else ''}{self.worker}"


class Imported(msgspec.Struct, frozen=True):
    """What a process tells of imports: the file of each module, and who asked for it first.

    `first` has the module's name, the file that imported it, and whether it did so through foreign code.
    `patterns` are the names by which pytest knows a file of tests.
    """

    modules: dict[str, str]
    first: tuple[tuple[str, str, bool], ...] = ()
    patterns: tuple[str, ...] = ()


class Order(msgspec.Struct, frozen=True):
    """All that a waiting pytest process must be told: pytest's arguments, what to record, and where.

    `notes` is the folder in which it notes what it imported, if another run may follow.
    """

    args: tuple[str, ...]
    assignment: Assignment
    notes: str = ""
