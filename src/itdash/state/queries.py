"""Questions that views ask of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itdash.state.cases import Case
    from itdash.state.run import RunState

# The words of pytest's own last line, in its order, then ours.
_WORDS = {"error": "errors", "timed out": "timed_out", "not run": "not_run"}
_ALWAYS = (
    "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "rerun", "deselected", "warnings",
    "crashed", "timed_out", "interrupted", "not_run",
)  # fmt: skip


def outcomes(state: RunState) -> dict[str, int]:
    """How often pytest counted each category, and how many tests itdash had to close."""
    counts = dict.fromkeys(_ALWAYS, 0)
    for category, count in state.tally.items():
        name = _WORDS.get(category, category.replace(" ", "_"))
        counts[name] = counts.get(name, 0) + count
    counts["deselected"] = state.deselected
    return counts


def disagreement(state: RunState) -> dict[str, tuple[int, int]]:
    """Where pytest's own last count differs from ours: category, then pytest's number and ours."""
    if len(state.processes) != 1 or (1, "") not in state.last_words or state.tally["timed out"]:
        return {}
    told = dict(state.last_words[1, ""].tally)
    if not told:
        return {}
    ours = dict(state.tally)
    ours["deselected"] = state.deselected
    if any(session.distributed for session in state.sessions.values()):
        told["deselected"] = ours["deselected"]  # workers do not send it
    names = (set(told) | set(ours)) - {"crashed", "timed out", "interrupted", "not run"}
    return {
        name: (told.get(name, 0), ours.get(name, 0))
        for name in sorted(names)
        if told.get(name, 0) != ours.get(name, 0)
    }


def slowest(state: RunState, number: int) -> list[Case]:
    """The tests that took longest."""
    from heapq import nlargest

    return nlargest(
        number, (case for case in state.cases.values() if case.durations), key=lambda case: case.duration
    )


def flaky(state: RunState) -> list[Case]:
    """Tests that passed, but not at the first attempt."""
    return [case for case in state.cases.values() if case.flaky]
