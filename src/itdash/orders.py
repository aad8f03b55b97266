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


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which of the collected tests to run, beyond what pytest's own options say."""

    groups: tuple[Group, ...] = ()
    only: frozenset[str] | None = None
    done: frozenset[str] = frozenset()


class Assignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of one run; `first` is the number of the first test that it may number."""

    folder: str
    origin: int
    part: int
    first: int = 0
    worker: str = ""
    selection: Selection = Selection()

    @property
    def segment(self) -> str:
        """The name of this process's own file of events."""
        return f"pytest-{self.part}{'-' if self.worker else ''}{self.worker}"


class Order(msgspec.Struct, frozen=True):
    """All that a waiting pytest process must be told: pytest's arguments, and what to record."""

    args: tuple[str, ...]
    assignment: Assignment
