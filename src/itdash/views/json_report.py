"""`report.json`: the run in pytest-json-report's format, made from the journal, also after a crash."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from itdash.events.model import NOTHING
from itdash.events.wire import encode_value
from itdash.state.cases import last_attempt, stage_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading
    from itdash.state.cases import Case
    from itdash.state.run import RunState


class ReportFile:
    """Writes the report when the run is over."""

    def begin(self, state: RunState, folder: Path) -> None: ...

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:  # noqa: ARG002
        """Put `report.json` into the run directory."""
        (folder / "report.json").write_bytes(encode_value(report(state)))


def report(state: RunState) -> dict[str, Any]:
    """The document."""
    run, end = state.run, state.finished
    ran = [case for case in state.cases.values() if case.started]
    counts = Counter(case.outcome for case in ran)
    session = next(iter(state.sessions.values()), None)
    return {
        "created": (run.started if run else 0.0) + state.t / 1e9,
        "duration": (end.t if end else state.t) / 1e9,
        "exitcode": end.exit_code if end else None,
        "root": session.rootdir if session else "",
        "environment": {"Python": run.python, "Platform": run.platform} if run else {},
        "summary": {
            **counts, "total": len(ran), "collected": len(state.cases), "deselected": state.deselected,
        },
        "collectors": [problem.detail for problem in state.uncollected],
        "tests": [_test(case) for case in ran],
        "warnings": [
            {
                "message": warning.message, "category": warning.category, "when": warning.when,
                "filename": warning.file, "lineno": warning.line,
            }
            for warning in state.warnings
        ],
    }  # fmt: skip


def _test(case: Case) -> dict[str, Any]:
    told = last_attempt(case)
    test: dict[str, Any] = {
        "nodeid": case.id,
        "lineno": case.line,
        "outcome": case.outcome,
        "keywords": list(case.keywords),
    }
    for name, duration in zip(stage_names(case), case.durations, strict=False):
        report = told.get(name)
        plain = {"duration": duration / 1e9, "outcome": report.outcome if report else "passed"}
        test[name] = plain if report is None or report.detail is NOTHING else report.detail
    if "crash" in told:
        test["crash"] = told["crash"].detail
    if case.cause:
        test["cause"] = case.cause
    if case.stacks:
        test["stacks"] = case.stacks
    return test
