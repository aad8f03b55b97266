"""`summary.json`: the run in numbers, in a form that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from itdash.state import measured, queries, requirements, resources
from itdash.state.cases import last_attempt, stage_names
from itdash.state.gate import suite_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading
    from itdash.state.cases import Case
    from itdash.state.run import RunState

SCHEMA = 1


class SummaryFile:
    """Writes the summary when the run is over."""

    def begin(self, state: RunState, folder: Path) -> None: ...

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Put `summary.json` into the run directory."""
        data = msgspec.json.encode(summary(state, reading.bytes, reading.unread))
        (folder / "summary.json").write_bytes(data)


def summary(state: RunState, read: int, unread: int) -> dict[str, Any]:
    """The run as plain values."""
    run, end = state.run, state.finished
    last_words = state.last_words.values()
    return {
        "schema": SCHEMA,
        "run": run.run if run else "",
        "started": run.started if run else 0.0,
        "duration": (end.t if end else state.t) / 1e9,
        "exit_code": end.exit_code if end else None,
        "verdict": end.verdict if end else "interrupted",
        "reason": end.reason if end else "the recording has no end",
        "root": state.names.rootdir,
        "outcomes": queries.outcomes(state),
        "cases": _cases(state),
        "uncollected": [{"node": problem.node, "outcome": problem.outcome} for problem in state.uncollected],
        "orphans": [
            {"pid": orphan.pid, "command": orphan.command, "case": orphan.node} for orphan in state.orphans
        ],
        "notes": list(state.notes),
        "requirements": [line for suite in requirements.of_run(state) for line in requirements.plain(suite)],
        "operations": measured.plain(state.operations, state.ids),
        "budgets": measured.plain_budgets(state.operations, state.ids),
        "suite_budgets": measured.plain_suite_budgets(suite_verdicts(state)),
        "stages": measured.plain_stages(state.cases.values()),
        "resources": resources.plain(state.resources),
        "leaks": resources.plain_leaks(state.resources, state.ids),
        "counts": dict(state.operations.totals),
        "gauges": {
            name: {"last": last, "min": low, "max": high}
            for name, (last, low, high) in state.operations.gauges.items()
        },
        "marks": [{"t": mark.t / 1e9, "text": mark.text} for mark in state.operations.marks],
        "observer": {
            "events": sum(word.events for word in last_words),
            "bytes": read,
            "unread": unread,
            "lost": sum(word.lost for word in last_words),
            "emit_seconds": sum(word.emit_ns for word in last_words) / 1e9,
            "share_of_wall": sum(word.emit_ns for word in last_words) / max(1, end.t if end else state.t),
            "probe": measured.cost(state.operations, end.t if end else state.t),
            "disagrees": {name: list(pair) for name, pair in queries.disagreement(state).items()},
        },
    }


def _cases(state: RunState) -> list[dict[str, Any]]:
    """Every test; `resources` only where what its process held changed, or tasks ran."""
    counted = {state.ids.get(number, ""): event for number, event in state.resources.counted.items()}
    return [
        {**_case(case), "resources": resources.plain_counted(counted[case.id])}
        if case.id in counted else _case(case)
        for case in state.cases.values()
    ]  # fmt: skip


def _case(case: Case) -> dict[str, Any]:
    told = last_attempt(case)
    return {
        "id": case.id,
        "suite": case.suite,
        "doc": case.doc,
        "outcome": case.outcome or "not run",
        "cause": case.cause,
        "attempts": case.attempts,
        "flaky": case.flaky,
        "worker": case.worker,
        "stages": {
            name: {"outcome": told[name].outcome if name in told else "passed", "duration": duration / 1e9}
            for name, duration in zip(stage_names(case), case.durations, strict=False)
        },
        "duration": case.duration / 1e9,
    }
