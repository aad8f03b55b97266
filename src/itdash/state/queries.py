"""Questions that views ask of a run."""

from __future__ import annotations

import os
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


_SHOWING = frozenset({
    "--collect-only", "--co", "--version", "-V", "-VV", "--help", "-h", "--fixtures", "--funcargs",
    "--fixtures-per-test", "--markers", "--cache-show",
})  # fmt: skip


def only_shows(state: RunState) -> bool:
    """Whether pytest was asked to show something, and not to run any test."""
    argv = (word for process in state.processes.values() for word in process.argv)
    return any(word in _SHOWING or word.startswith("--cache-show=") for word in argv)


def crashed_workers(state: RunState) -> int:
    """How many tests took a worker of pytest-xdist down, which pytest counts as failed."""
    return max(0, _crashed(state) - state.tally["crashed"])


def _crashed(state: RunState) -> int:
    return sum(state.cases[nodeid].outcome == "crashed" for nodeid in state.failing)


def outcomes(state: RunState) -> dict[str, int]:
    """How often pytest counted each category, and how many tests itdash had to close.

    A test that took a worker of pytest-xdist down is in `crashed`, and in `failed`, where pytest has it.
    """
    counts = dict.fromkeys(_ALWAYS, 0)
    for category, count in state.tally.items():
        name = _WORDS.get(category, category.replace(" ", "_"))
        counts[name] = counts.get(name, 0) + count
    counts["deselected"] = state.deselected
    counts["crashed"] = max(counts["crashed"], _crashed(state))
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
        if state.uncollected:
            told["error"] = ours["error"]  # a file that ends or holds up its worker is counted by us alone
    names = (set(told) | set(ours)) - {"crashed", "timed out", "interrupted", "not run"}
    return {
        name: (told.get(name, 0), ours.get(name, 0))
        for name in sorted(names)
        if told.get(name, 0) != ours.get(name, 0)
    }


def empty_suites(state: RunState) -> list[str]:
    """The declared suites that pytest was asked for, and in which it found nothing, nor left anything out."""
    run = state.run
    if run is None or state.deselected or state.uncollected:
        return []
    argv = [word for process in state.processes.values() for word in process.argv]
    asked = {os.path.normpath(os.path.join(run.cwd, word)) for word in argv}
    return [
        suite.name
        for suite in run.suites
        if suite.name not in state.suites
        and not asked.isdisjoint(os.path.normpath(os.path.join(run.root, path)) for path in suite.paths)
    ]


def slowest(state: RunState, number: int) -> list[Case]:
    """The tests that took longest."""
    from heapq import nlargest

    return nlargest(
        number, (case for case in state.cases.values() if case.durations), key=lambda case: case.duration
    )


def flaky(state: RunState) -> list[Case]:
    """Tests that passed, but not at the first attempt."""
    return [case for case in state.cases.values() if case.flaky]
