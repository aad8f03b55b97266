"""What a run must prove beside passing: its requirements, and the budgets of its suites."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from itdash.errors import ConfigError
from itdash.measure.budget import BudgetSyntaxError, Ratio, parse
from itdash.measure.verdict import judge
from itdash.requirements.share import shown
from itdash.state.requirements import FAILED, RUNNING, SKIPPED, UNTESTED, Line, SuiteMatrix, of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from itdash.events.model import SuiteSpec
    from itdash.measure.budget import Budget
    from itdash.measure.verdict import Measured, Verdict
    from itdash.state.run import RunState

_NAMED = 10


class Gate(NamedTuple):
    """What was asked for; `share` is in percent."""

    share: Fraction | None = None
    strict: bool = False

    @property
    def asks(self) -> bool:
        """Whether it asks for anything."""
        return self.share is not None or self.strict


def broken(state: RunState, gate: Gate) -> str:
    """Why a run does not pass the gate; nothing if it does."""
    if not gate.asks:
        return ""
    suites = of_run(state)
    told = []
    leaves = sum(len(suite.leaves) for suite in suites)
    verified = sum(line.verified for suite in suites for line in suite.leaves)
    if gate.share is not None and verified * 100 < gate.share * leaves:
        told.append(
            f"{verified:,} of {leaves:,} requirements verified ({shown(Fraction(verified * 100, leaves))}), "
            f"{shown(gate.share)} required"
        )
    if gate.strict and not told and _short_of(suites, strict=True):
        told.append("not every requirement is verified")
    return "; ".join(told + _short_of(suites, gate.strict)) if told else ""


def _short_of(suites: Sequence[SuiteMatrix], strict: bool) -> list[str]:
    """The requirements that are not verified, by status; ids say their suite where there are several."""
    several = len(suites) > 1

    def named(suite: SuiteMatrix, id: str) -> str:
        return f"{suite.suite}: {id}" if several else id

    told = []
    for status in (FAILED, UNTESTED, SKIPPED, RUNNING):
        ids = [named(suite, line.row.id) for suite in suites for line in _having(suite, status, strict)]
        if ids:
            told.append(f"{status}: {_list(ids)}")
    unknown = [named(suite, one.id) for suite in suites for one in suite.unknown]
    if strict and unknown:
        told.append(f"unknown: {_list(unknown)}")
    return told


def _having(suite: SuiteMatrix, status: str, strict: bool) -> list[Line]:
    """Those without children; strictly also parents by their own tests."""
    return [line for line in suite.lines if line.own == status and (line.leaf or strict)]


def _list(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


# -- the budgets of suites --


class SuiteVerdict(NamedTuple):
    """What became of a budget of a suite."""

    suite: str
    verdict: Verdict


def check_budgets(suites: Mapping[str, Mapping[str, Sequence[str]]], where: str) -> None:
    """ConfigError for the first text that is no budget; `suites` are the budgets by operation, by suite."""
    for suite, operations in suites.items():
        for operation, texts in operations.items():
            for text in texts:
                try:
                    parse(text)
                except BudgetSyntaxError as error:
                    what = f"suite {suite!r} has a wrong budget of {operation!r}"
                    raise ConfigError(f"{what}\n{error}", where=where) from None


def measured_apart(suites: Sequence[SuiteSpec]) -> set[tuple[str, str]]:
    """The operations that the budgets of each suite speak of: suite, then operation."""
    return {
        (suite, name) for suite, operation, budget in _declared(suites) for name in _names(operation, budget)
    }


def suite_verdicts(state: RunState) -> list[SuiteVerdict]:
    """The verdict on each budget of the suites of which a test has run, over all their operations."""
    found = []
    for suite, operation, budget in _declared(state.run.suites if state.run else ()):
        tally = state.suites.get(suite)
        if tally is not None and tally.ended:
            known = {name: _measured(state, suite, name) for name in _names(operation, budget)}
            found.append(SuiteVerdict(suite, judge(budget, known[operation], known)))
    return found


def with_budgets(requirements: Callable[[RunState], str], narrowed: bool) -> Callable[[RunState], str]:
    """Both gates as one; where the run was `narrowed` to some tests, what never ran is no failure."""

    def why(state: RunState) -> str:
        failing = ("broken",) if narrowed else ("broken", "never ran")
        told = [
            f"budget of suite {one.suite}: {one.verdict.message}"
            for one in suite_verdicts(state)
            if one.verdict.outcome in failing
        ]
        return "; ".join([*filter(None, [requirements(state)]), *told])

    return why


def _declared(suites: Sequence[SuiteSpec]) -> Iterator[tuple[str, str, Budget]]:
    """Suite, operation and budget; what cannot be read was refused before the run began."""
    for suite in suites:
        for operation, texts in suite.budgets.items():
            for text in texts:
                try:
                    yield suite.name, operation, parse(text)
                except BudgetSyntaxError:
                    continue


def _names(operation: str, budget: Budget) -> set[str]:
    limit = budget.limit
    other = limit.operation if isinstance(limit, Ratio) else None
    return {operation, other} if other else {operation}


def _measured(state: RunState, suite: str, name: str) -> Measured:
    return state.operations.by_suite[suite, name].settled().measured(name)
