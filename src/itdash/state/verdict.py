"""What may be said of a run when its last process is gone: the verdict, the exit code, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from itdash import errors

if TYPE_CHECKING:
    from itdash.events.model import ProcessEnded, Verdict
    from itdash.state.run import RunState


class Judgement(NamedTuple):
    """The last word on a run; `reason` tells why what did not run was not run."""

    verdict: Verdict
    exit_code: int
    reason: str


def judge(state: RunState, part: int, reason: str = "", overdue: bool = False) -> Judgement:
    """The word on a run whose last part is `part`; everything that crashed is closed already.

    `overdue` tells that itdash itself ended the last process, for a test that was over its time.
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
    if last is None or code != last.exit_code:
        return _unexpected_end(state, end, code, failing, reason)
    return _expected_end(state, code, outcomes, failing, reason)


def process_code(end: ProcessEnded) -> int:
    """The exit code as a shell would tell it."""
    if end.exit_code is None:
        return errors.INTERNAL_ERROR
    return end.exit_code if end.exit_code >= 0 else errors.BY_SIGNAL - end.exit_code


def _unexpected_end(state: RunState, end: ProcessEnded, code: int, failing: bool, reason: str) -> Judgement:
    last = state.last_words.get((end.part, ""))
    if last is None and not state.sessions and code in (errors.INTERNAL_ERROR, errors.USAGE_ERROR):
        return Judgement("error", code, reason or "pytest did not start")
    if last is None and not state.cases and code in (errors.INTERNAL_ERROR, errors.USAGE_ERROR):
        return Judgement("error", code, reason or "pytest could not collect")
    if last is not None and not end.signal:
        told = f"pytest ended its session with {last.exit_code}, the process ended with {code}"
        worst = code or last.exit_code or errors.TESTS_FAILED
        return Judgement("failed", worst, reason or told)
    if reason == "" and code == 0:
        reason = "the process ended with 0 before pytest's last word"
    told = f"the process ended with {end.signal or f'exit code {code}'}"
    fallback = errors.TESTS_FAILED if failing else errors.INTERNAL_ERROR
    return Judgement("crashed", code or fallback, reason or told)


def _expected_end(state: RunState, code: int, outcomes: set[str], failing: bool, reason: str) -> Judgement:
    stopped = "; ".join(stop.reason for stop in state.stopped)
    if "crashed" in outcomes:
        return Judgement(
            "crashed", max(code, errors.TESTS_FAILED) if code in (0, 1) else code, reason or stopped
        )
    if code == errors.NO_TESTS:
        return Judgement("error", code, reason or "no tests were found")
    if code == errors.INTERRUPTED:
        broken = any(problem.outcome == "failed" for problem in state.uncollected)
        return Judgement(
            "error" if broken else "interrupted", code, reason or stopped or "pytest was interrupted"
        )
    if code > errors.INTERRUPTED:
        word: Verdict = "error" if code in (errors.INTERNAL_ERROR, errors.USAGE_ERROR) else "failed"
        return Judgement(word, code, reason or stopped)
    if failing:
        return Judgement("failed", max(code, errors.TESTS_FAILED), reason or stopped)
    return Judgement("passed" if code == 0 else "failed", code, reason or stopped)
