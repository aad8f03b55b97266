"""What differs between two runs, and which of it is real."""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.history import pace
from itdash.history.flaky import RUNS, Flaky, last_flaky, since, told
from itdash.history.shift import adjusted
from itdash.state.cases import FAILING
from itdash.state.comparison import (
    BudgetChange,
    Change,
    Comparison,
    Errors,
    Peak,
    RequirementChange,
    Side,
)
from itdash.state.requirements import VERIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itdash.history.record import Head, Operation, Record
    from itdash.history.store import Seen, Store
    from itdash.measure.latency import Histogram

EARLIER: Final = 20
"""So many runs up to the baseline tell what is usual."""

_AFTER: Final = 5
_CHANCE: Final = 0.01
_MORE_ERRORS: Final = 0.01
_MARGIN: Final = 0.1
_KNOWN: Final = 5
_DEEPEST: Final = 200
_FEWEST, _RESULTS = 8, 100_000
"""Of a project with very many tests fewer runs are looked at, so that there is an answer at once."""


class Past(NamedTuple):
    """What the history tells beside the two runs.

    `earlier` are runs up to the baseline that can be held against it, newest first, and `later` the run
    itself with those just before it that ran the same code. `flaky` and `since` are about the run's tests.
    """

    earlier: Sequence[Head] = ()
    latencies: Mapping[str, Sequence[tuple[int, Histogram, int]]] = {}
    durations: Mapping[str, Sequence[Seen]] = {}
    later: Sequence[Head] = ()
    later_latencies: Mapping[str, Sequence[tuple[int, Histogram, int]]] = {}
    later_durations: Mapping[str, Sequence[Seen]] = {}
    flaky: Mapping[str, Flaky] = {}
    since: Mapping[str, str] = {}


_NO_PAST: Final = Past()


def past_of(store: Store, base: Record, run: Record) -> Past:
    """What the history knows that bears on the comparison."""
    after = run.head.name + "~"  # sorts behind the run itself
    runs = max(_FEWEST, min(RUNS, _RESULTS // max(len(run.tests), 1)))
    until_run = store.heads(runs, before=after)
    broken = [name for name, test in run.tests.items() if test.outcome in FAILING]
    known = {name: since(store.past(name, after)) for name in broken[:_DEEPEST]}
    earlier = _alike(store.heads(EARLIER * 4, before=base.head.name + "~"), base.head)[: min(EARLIER, runs)]
    later = [head for head in until_run if head.name > base.head.name]
    later = _same_code(_alike(later, base.head), run.head)[:_AFTER]
    before, afterwards = [head.name for head in earlier], [head.name for head in later]
    asked = pace.judgeable(run, len(later))
    return Past(
        earlier, store.latencies(before), store.outcomes(before, asked), later, store.latencies(afterwards),
        store.outcomes(afterwards, asked), last_flaky(store, until_run),
        {name: told(one) for name, one in known.items() if one},
    )  # fmt: skip


def _alike(heads: Sequence[Head], base: Head) -> list[Head]:
    """Those on a like machine that were asked for the same tests."""
    return [head for head in heads if head.kind == base.kind and head.asked == base.asked]


def _same_code(heads: Sequence[Head], run: Head) -> list[Head]:
    """The run, and those just before it that are known to have run the same code; none if it is not there."""
    if not heads or heads[0].name != run.name:
        return []
    found = []
    for head in heads:
        if head.name == run.name or (run.clean and head.clean and head.commit == run.commit):
            found.append(head)
        else:
            break
    return found


def compare(
    base: Record, run: Record, past: Past = _NO_PAST, chosen: tuple[str, str] = ("", "")
) -> Comparison:
    """The comparison; `chosen` tells how each of the two was."""
    notes, comparable = _notes(base, run, past)
    narrowed = _is_narrowed(base, run)
    shifts = pace.operations(base, run, past) if comparable and not narrowed else pace.NOTHING
    if narrowed and base.operations and run.operations:
        notes.append("operations are not compared: other tests use them otherwise")
    tests = pace.tests(base, run, past) if comparable else pace.NOTHING
    before, after = base.requirements, run.requirements
    requirements = [
        RequirementChange(*key, before.get(key, ""), after.get(key, ""))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    outcomes = _outcomes(base, run, past)
    gone = outcomes.pop("gone")
    return Comparison(
        _side(base.head, chosen[0]), _side(run.head, chosen[1]), (*notes, *shifts.notes),
        in_both=len(base.tests.keys() & run.tests.keys()),
        operations=shifts.found, tests=tests.found, not_enough=tests.not_enough,
        errors=() if narrowed else _errors(base.operations, run.operations),
        peaks=() if narrowed else _peaks(base, run, past),
        budgets=tuple(_budgets(base, run)),
        lost=tuple(
            one for one in requirements if one.before == VERIFIED and not (narrowed and _unheard(one))
        ),
        gained=tuple(one for one in requirements if one.after == VERIFIED),
        gone=() if narrowed else gone, left_out=len(gone) if narrowed else 0, **outcomes,
    )  # fmt: skip


def _unheard(change: RequirementChange) -> bool:
    """Whether nothing was asked of the requirement."""
    return change.after in ("", "untested")


def _side(head: Head, told: str) -> Side:
    return Side(
        head.name, head.started, head.verdict, {name: n for name, n in head.counts.items() if n}, head.commit,
        head.branch, head.machine, head.python, told,
    )  # fmt: skip


def _notes(base: Record, run: Record, past: Past) -> tuple[list[str], bool]:
    """What a reader must know, and whether durations of the two can be held against each other."""
    one, other = base.head, run.head
    notes = []
    if one.name == other.name:
        notes.append("both are the same run")
    differing = [
        f"{what} {before} and {after}"
        for what, before, after in (
            ("machine", one.machine, other.machine), ("Python", one.python, other.python),
            ("workers", str(one.workers), str(other.workers)),
        )
        if before != after and one.machine and other.machine
    ]  # fmt: skip
    if differing:
        notes.append(f"durations are not compared: {'; '.join(differing)}")
    elif bool(one.machine) != bool(other.machine):
        notes.append("one of them does not tell on which machine it ran: durations may be those of another")
    elif (base.operations or base.tests) and len(past.earlier) < _KNOWN:
        known = len(past.earlier)
        notes.append(
            f"{known or 'no'} earlier run{'s' * (known != 1)} like the baseline: what durations usually are"
            f" is known from {_KNOWN} on"
        )
    return notes, not differing


# -- outcomes --


def _is_narrowed(base: Record, run: Record) -> bool:
    """Whether the run was asked for other tests than the baseline, so that what is missing is not gone."""
    one, other = base.head, run.head
    known = bool(one.command) and bool(other.command)
    return (known and one.asked != other.asked) or bool(one.deselected) != bool(other.deselected)


def _outcomes(base: Record, run: Record, past: Past) -> dict[str, tuple[Change, ...]]:
    """The tests by what became of them: a name of the comparison's for each kind."""
    found: dict[str, list[Change]] = {
        kind: [] for kind in ("failing", "fixed", "still", "flaky", "other", "new", "gone")
    }
    for name in dict.fromkeys([*base.tests, *run.tests]):
        before, after = _outcome(base, name), _outcome(run, name)
        kind = _kind(before, after)
        unsure = past.flaky.get(name)
        retried = name in run.tests and run.tests[name].attempts > 1 and after == "passed"
        why = past.since.get(name, "") if after in FAILING else ""
        if retried or (kind in ("failing", "fixed") and unsure is not None and unsure.certain):
            kind = "flaky"
            why = unsure.evidence if unsure else f"passed at attempt {run.tests[name].attempts}"
        if kind:
            found[kind].append(Change(name, before, after, why))
    return {kind: tuple(changes) for kind, changes in found.items()}


def _outcome(record: Record, name: str) -> str:
    test = record.tests.get(name)
    return test.outcome if test else ""


def _kind(before: str, after: str) -> str:
    """The word for a change; a test that is new and fails is newly failing."""
    if after in FAILING:
        return "still" if before in FAILING else "failing"
    if not after:
        return "gone"
    if not before:
        return "new"
    if before == after:
        return ""
    return "fixed" if before in FAILING and after == "passed" else "other"


# -- what was measured --


def _errors(base: Mapping[str, Operation], run: Mapping[str, Operation]) -> tuple[Errors, ...]:
    """Operations whose share of errors is really another one."""
    both = [
        (name, base[name], one)
        for name, one in run.items()
        if name in base and base[name].count and one.count
    ]
    chances = adjusted([_chance(before, after) for _, before, after in both])
    return tuple(
        Errors(
            name, before.errors, before.count, after.errors, after.count,
            after.errors * before.count > before.errors * after.count, p,
        )
        for (name, before, after), p in zip(both, chances, strict=True)
        if p <= _CHANCE
        and abs(after.errors / after.count - before.errors / before.count) >= _MORE_ERRORS
    )  # fmt: skip


def _chance(one: Operation, other: Operation) -> float:
    """How likely two shares of errors differ so by chance."""
    whole = one.count + other.count
    share = (one.errors + other.errors) / whole
    variance = share * (1 - share) * (1 / one.count + 1 / other.count)
    if variance <= 0:
        return 1.0
    difference = abs(one.errors / one.count - other.errors / other.count)
    apart = max(0.0, difference - (1 / one.count + 1 / other.count) / 2)
    return erfc(apart / sqrt(2 * variance))


def _peaks(base: Record, run: Record, past: Past) -> tuple[Peak, ...]:
    """Operations of which another number was in flight at once than in any earlier run."""
    found = []
    for name, after in run.operations.items():
        before = base.operations.get(name)
        if before is None or before.peak == after.peak:
            continue
        earlier = [peak for _, _, peak in past.latencies.get(name, ())] or [before.peak]
        low, high = min(earlier), max(earlier)
        if not low <= after.peak <= high:
            found.append(Peak(name, before.peak, after.peak, low, high, len(earlier)))
    return tuple(found)


def _budgets(base: Record, run: Record) -> list[BudgetChange]:
    """Budgets with another verdict, or with a tenth of the limit more or less to spare; broken ones first."""
    found = []
    for key in dict.fromkeys([*base.budgets, *run.budgets]):
        before, after = base.budgets.get(key), run.budgets.get(key)
        change = BudgetChange(
            *key, before.verdict if before else "", after.verdict if after else "",
            before.margin if before else None, after.margin if after else None,
        )  # fmt: skip
        one, other = change.margin_before, change.margin_after
        moved = one is not None and other is not None and abs(other - one) >= _MARGIN
        if before and after and (change.before != change.after or moved):
            found.append(change)
    return sorted(found, key=lambda one: (one.after != "broken", -(one.margin_after or 0)))
