"""Records of made-up runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itdash.history.record import Head, Operation, Record, Test
from itdash.measure.latency import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLEAN: dict[str, Any] = {"commit": "a" * 40, "clean": True}


def name(number: int) -> str:
    """The name of the run with this number; they sort by it."""
    return f"20260101-{number:06d}-000abcd"


def head(number: int, **more: Any) -> Head:
    """A run that passed, unless told."""
    known = {"started": 1_767_225_600.0 + number, "duration": 10**9, "verdict": "passed", "exit_code": 0}
    return Head(name(number), **{**known, "machine": "m", "command": ("launch",), **more})


def test(outcome: str = "passed", attempts: int = 1, duration: int = 10_000_000) -> Test:
    """What became of a test."""
    return Test(outcome, attempts, duration)


test.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for one of its own


def run(number: int, outcomes: Mapping[str, str | Test] | None = None, **more: Any) -> Record:
    """A run with these tests; outcomes alone will do."""
    tests = {
        id: test(one) if isinstance(one, str) else one
        for id, one in (outcomes or {"t.py::a": "passed"}).items()
    }
    parts = {key: more.pop(key) for key in ("operations", "budgets", "requirements") if key in more}
    return Record(head(number, **more), tests, **parts)


def operation(latencies: Iterable[float], errors: int = 0, peak: int = 1) -> Operation:
    """An operation with these latencies, in microseconds."""
    histogram = Histogram()
    histogram.record_many(int(one * 1000) for one in latencies)
    return Operation(histogram.count, errors, peak, histogram)
