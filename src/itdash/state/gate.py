"""What a run must prove beside passing: a share of its requirements, or all of them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from itdash.requirements.share import shown
from itdash.state.requirements import FAILED, RUNNING, SKIPPED, UNTESTED, Line, SuiteMatrix, of_run

if TYPE_CHECKING:
    from collections.abc import Sequence

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
