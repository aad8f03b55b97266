"""Tests whose outcome changes without a reason, with the evidence; and since when one fails."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.state.cases import FAILING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itdash.history.record import Head, Test
    from itdash.history.store import Seen, Store

RUNS: Final = 50
"""So many of the last runs are looked at."""

_SAME_CODE: Final = 2
"""So many changes among runs of the same code tell of chance; one may be a service that was down."""

_ANY_CODE: Final = 4
_OUTAGE: Final = 4
_DEEPEST: Final = 1_000
_SHOWN: Final = 12


class Flaky(NamedTuple):
    """What speaks for it: passes on retry, and changes between passed and failing in runs of the same code.

    `changes` counts those where the code may have been another one. Only with the others is it certain.
    """

    runs: int
    retried: int
    same: int
    changes: int
    commits: tuple[str, ...]
    outcomes: str

    @property
    def certain(self) -> bool:
        """Whether nothing but chance explains it."""
        return bool(self.retried) or self.same >= _SAME_CODE

    @property
    def evidence(self) -> str:
        """The same in words."""
        told = []
        if self.retried:
            told.append(f"passed on retry in {self.retried} of {self.runs} runs")
        if self.same >= _SAME_CODE:
            commits = ", ".join(commit[:_SHOWN] for commit in self.commits)
            told.append(f"changed {self.same} times at the same commit ({commits})")
        if not told:
            told.append(
                f"changed {self.changes} times in {self.runs} runs, of code that may have changed too"
            )
        return "; ".join(told)


def flaky(
    heads: Sequence[Head], outcomes: Mapping[str, Sequence[Seen]], tallies: Sequence[Mapping[str, int]] = ()
) -> dict[str, Flaky]:
    """The flaky tests among those of these runs, newest first, by their names; the certain ones first.

    `tallies` are the outcomes of all tests of each run.
    """
    down = {place for place, tally in enumerate(tallies) if _is_outage(tally)}
    found = {}
    for name, seen in outcomes.items():
        told = _judged(heads, [one for one in seen if one.place not in down])
        if told is not None:
            found[name] = told
    return dict(sorted(found.items(), key=_worst_first))


def last_flaky(store: Store, heads: Sequence[Head]) -> dict[str, Flaky]:
    """The same, asked of the history."""
    names = [head.name for head in heads]
    return flaky(heads, store.outcomes(names, store.odd(names)), store.tallies(names))


def _worst_first(item: tuple[str, Flaky]) -> tuple[bool, int, str]:
    name, one = item
    return not one.certain, -(one.retried + one.same + one.changes), name


def _is_outage(tally: Mapping[str, int]) -> bool:
    """Whether more than half of all tests failed: something else was broken."""
    failed = sum(n for outcome, n in tally.items() if outcome in FAILING)
    ran = failed + tally.get("passed", 0)
    return ran >= _OUTAGE and failed * 2 > ran


def _judged(heads: Sequence[Head], seen: Sequence[Seen]) -> Flaky | None:
    ended = [one for one in seen if one.outcome == "passed" or one.outcome in FAILING]
    retried = sum(one.outcome == "passed" and one.attempts > 1 for one in ended)
    by_commit: dict[str, list[bool]] = {}
    for one in ended:
        head = heads[one.place]
        if head.clean and head.commit:
            by_commit.setdefault(head.commit, []).append(one.outcome == "passed")
    at = {commit: _changes(passed) for commit, passed in by_commit.items()}
    changes = _changes([one.outcome == "passed" for one in ended])
    same = sum(at.values())
    if not retried and same < _SAME_CODE and changes < _ANY_CODE:
        return None
    commits = tuple(commit for commit, n in at.items() if n)
    # The oldest first, as one reads.
    outcomes = "".join("r" if one.attempts > 1 and one.outcome == "passed" else "." if one.outcome == "passed"
                       else "F" for one in reversed(ended))  # fmt: skip
    return Flaky(len(ended), retried, same, changes, commits, outcomes)


def _changes(passed: Sequence[bool]) -> int:
    return sum(one != other for one, other in pairwise(passed))


class Since(NamedTuple):
    """Since when a test fails: the first of these runs, how many they are, and the last that passed."""

    first: Head
    runs: int
    good: Head | None


def since(past: Iterable[tuple[Head, Test]]) -> Since | None:
    """Since when the test fails whose past this is, newest first; None if it does not."""
    first, runs = None, 0
    for head, test in islice(past, _DEEPEST):
        if test.outcome in FAILING:
            first, runs = head, runs + 1
        elif test.outcome == "passed":
            return Since(first, runs, head) if first else None
    return Since(first, runs, None) if first else None


def told(since: Since) -> str:
    """The same in words."""
    if since.runs == 1 and since.good:
        return f"passed in the run before, {_run(since.good)}"
    begun = f"fails since run {_run(since.first)}, in {since.runs:,} runs"
    return f"{begun}; last passed in {_run(since.good)}" if since.good else f"{begun}; never seen to pass"


def _run(head: Head) -> str:
    return f"{head.name}, commit {head.commit[:_SHOWN]}" if head.commit else head.name
