"""What differs between two runs, as records that any view can show."""

from __future__ import annotations

from typing import Literal

import msgspec

Judged = Literal["slower", "faster", "noise", "too few", "unusual"]
"""`noise` is a difference that means nothing, `unusual` one value far off, which another run would prove."""


class Side(msgspec.Struct, frozen=True):
    """One of the two runs; `told` is how it was chosen."""

    name: str
    started: float
    verdict: str
    counts: dict[str, int]
    commit: str = ""
    branch: str = ""
    machine: str = ""
    python: str = ""
    told: str = ""


class Change(msgspec.Struct, frozen=True):
    """A test whose outcome is another one; `why` is what else is known of it."""

    id: str
    before: str
    after: str
    why: str = ""


class Shift(msgspec.Struct, frozen=True):
    """Durations of an operation or of a test, in nanoseconds at their median, `n` of them in all.

    `runs` is how many earlier ones tell what is usual; `above` is the share of pairs in which the later is
    the longer, `p` how likely chance alone makes that, for as many questions as were asked at once.
    """

    name: str
    judged: Judged
    before: int | None
    after: int | None
    n_before: int
    n_after: int
    runs: int = 0
    above: float | None = None
    p: float | None = None
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as long it takes."""
        return self.after / self.before if self.before and self.after is not None else None


class Errors(msgspec.Struct, frozen=True):
    """Errors of an operation, and of how many."""

    name: str
    before: int
    of_before: int
    after: int
    of_after: int
    worse: bool
    p: float


class Peak(msgspec.Struct, frozen=True):
    """The most of an operation at once; `low` to `high` is what it was in earlier runs, `runs` of them."""

    name: str
    before: int
    after: int
    low: int
    high: int
    runs: int


class BudgetChange(msgspec.Struct, frozen=True):
    """A budget whose verdict is another, or of which more is used up; a margin of 1 is the limit itself."""

    owner: str
    operation: str
    text: str
    before: str
    after: str
    margin_before: float | None
    margin_after: float | None


class RequirementChange(msgspec.Struct, frozen=True):
    """A requirement whose status is another; an empty one is no longer, or was not yet, there."""

    suite: str
    id: str
    before: str
    after: str


class Comparison(msgspec.Struct, frozen=True):
    """All that differs; `in_both` counts the tests that both have an outcome of.

    `left_out` are tests of the baseline that the run was not asked for, `not_enough` tests whose durations
    cannot be judged for want of runs.
    """

    base: Side
    run: Side
    notes: tuple[str, ...] = ()
    in_both: int = 0
    failing: tuple[Change, ...] = ()
    fixed: tuple[Change, ...] = ()
    still: tuple[Change, ...] = ()
    flaky: tuple[Change, ...] = ()
    other: tuple[Change, ...] = ()
    new: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    left_out: int = 0
    operations: tuple[Shift, ...] = ()
    tests: tuple[Shift, ...] = ()
    not_enough: int = 0
    errors: tuple[Errors, ...] = ()
    peaks: tuple[Peak, ...] = ()
    budgets: tuple[BudgetChange, ...] = ()
    lost: tuple[RequirementChange, ...] = ()
    gained: tuple[RequirementChange, ...] = ()

    @property
    def regressions(self) -> tuple[str, ...]:
        """What is worse than it was, in words, a kind after the other."""
        told = [_counted(len(self.failing), "newly failing test")]
        told.append(_counted(sum(one.judged == "slower" for one in self.operations), "slower operation"))
        told.append(_counted(sum(one.judged == "slower" for one in self.tests), "slower test"))
        told.append(_counted(sum(one.worse for one in self.errors), "operation with more errors",
                             "operations with more errors"))  # fmt: skip
        told.append(_counted(sum(one.after == "broken" for one in self.budgets), "newly broken budget"))
        told.append(_counted(len(self.lost), "lost requirement"))
        return tuple(filter(None, told))


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}" if number else ""
