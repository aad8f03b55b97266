"""What may be said of a run when its last process is gone: the verdict, the exit code, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from itdash import errors
from itdash.state import queries

if TYPE_CHECKING:
    from itdash.events.model import ProcessEnded, Verdict
    from itdash.state.run import RunState

_LIMIT = re.compile(r"^stopping after \d+ failures")


class Judgement(NamedTuple):
    """The last word on a run; `reason` tells why what did not run was not run."""

    verdict: Verdict
    exit_code: int
    reason: str


def judge(
    state: RunState, part: int, reason: str = "", *, overdue: bool = False, crashes: int = 0
) -> Judgement:
    """The word on a run whose last part is `part`; everything that crashed is closed already.

    `overdue` tells that itdash itself ended the last process, for a test that was over its time; `crashes`
    counts the processes that went unasked.
    """
    end = state.ends[part]
    last = state.last_words.get((part, ""))
    code = process_code(end)
    outcomes = {state.cases[nodeid].outcome for nodeid in state.failing}
    failing = bool(outcomes or state.tally["failed"] or state.tally["error"])
    if state.requests:
        signal = max(request.number for request in state.requests)
        return Judgement("interrupted", errors.BY_SIGNAL + signal, reason or state.requests[0].why)
    if state.internal_errors:
        return Judgement("error", code if code > errors.TESTS_FAILED else errors.INTERNAL_ERROR,
                         reason or "pytest or a plugin broke")  # fmt: skip
    if overdue:
        return Judgement("crashed" if "crashed" in outcomes else "failed", errors.TESTS_FAILED, reason)
    if code == errors.PASSED and not state.running and not state.finished_cases and queries.only_shows(state):
        return Judgement("passed", code, "nothing was to be run, only shown")
    if last is None or code != last.exit_code:
        return _unexpected_end(state, end, code, outcomes, reason)
    if crashes:
        outcomes.add("crashed")
    return _expected_end(state, code, outcomes, failing, reason)


def gated(word: Judgement, broken: str) -> Judgement:
    """The word on a run that passed, but not a gate of itdash's own; a run that failed keeps its word."""
    if broken and word.exit_code == errors.PASSED and word.verdict == "passed":
        return Judgement("failed", errors.GATE, broken)
    return word


def process_code(end: ProcessEnded) -> int:
    """The exit code as a shell would tell it."""
    if end.exit_code is None:
        return errors.INTERNAL_ERROR
    return end.exit_code if end.exit_code >= 0 else errors.BY_SIGNAL - end.exit_code


def _unexpected_end(
    state: RunState, end: ProcessEnded, code: int, outcomes: set[str], reason: str
) -> Judgement:
    last = state.last_words.get((end.part, ""))
    if last is not None and not end.signal:
        told = f"pytest ended its session with {last.exit_code}, the process ended with {code}"
        return Judgement("failed", code or last.exit_code or errors.TESTS_FAILED, reason or told)
    if "crashed" in outcomes:
        return Judgement("crashed", errors.TESTS_FAILED, reason)
    if last is None and not state.cases and code in (errors.INTERNAL_ERROR, errors.USAGE_ERROR):
        return Judgement("error", code, reason or "pytest could not start")
    if end.exit_code is None:
        told = "nobody saw how the process ended"
    elif end.signal:
        told = f"the process ended by {end.signal}"
    else:
        told = f"the process ended with {code} before pytest's last word"
    return Judgement("crashed", code or errors.INTERNAL_ERROR, reason or told)


def _expected_end(state: RunState, code: int, outcomes: set[str], failing: bool, reason: str) -> Judgement:
    reason = reason or "; ".join(stop.reason for stop in state.stopped)
    uncollected = any(problem.outcome == "failed" for problem in state.uncollected)
    if (
        code == errors.NO_TESTS and uncollected
    ):  # pytest-xdist does not count files that took its workers down
        return Judgement("crashed", errors.INTERNAL_ERROR, reason)
    if code == errors.NO_TESTS:
        return Judgement("error", code, reason or "no tests were found")
    if code == errors.INTERRUPTED and uncollected:
        stopped_by_us = reason == "KeyboardInterrupt"
        return Judgement("error", code, "a file could not be collected" if stopped_by_us else reason)
    if code in (errors.INTERNAL_ERROR, errors.USAGE_ERROR):
        told = "pytest refused its arguments" if code == errors.USAGE_ERROR else ""
        return Judgement("error", code, reason or told)
    enough = failing and bool(_LIMIT.search(reason))  # with workers, pytest calls a limit of failures a stop
    if state.stopped and not enough and any(case.outcome == "interrupted" for case in state.cases.values()):
        return Judgement("interrupted", code or errors.INTERRUPTED, reason)
    if "crashed" in outcomes:
        return Judgement("crashed", code or errors.TESTS_FAILED, reason)
    if code == errors.INTERRUPTED and not enough:
        return Judgement("interrupted", code, reason or "pytest was interrupted")
    if failing or code:
        told = "" if code <= errors.TESTS_FAILED else f"pytest ended with exit code {code}"
        return Judgement("failed", code or errors.TESTS_FAILED, reason or told)
    if state.collected and len(state.cases) > state.finished_cases:
        return Judgement("interrupted", errors.INTERRUPTED, reason or "pytest ended before all tests had run")
    return Judgement("passed", code, reason)
