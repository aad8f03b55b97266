"""What was measured as rows for tables and as plain values for `summary.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from itdash.measure.latency import Histogram, percentile
from itdash.state.cases import stage_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from itdash.measure.tally import Tally
    from itdash.state.cases import Case
    from itdash.state.gate import SuiteVerdict
    from itdash.state.operations import Labels, Operation, Operations

QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""The percentiles that are shown."""


class Row(msgspec.Struct, frozen=True):
    """An operation in numbers; a percentile that its samples cannot carry is None."""

    name: str
    labels: dict[str, str]
    count: int
    errors: int
    cancelled: int
    unfinished: int
    now: int
    peak: int
    rate: float | None
    n: int
    p50: int | None
    p90: int | None
    p95: int | None
    p99: int | None
    max: int | None
    late: int = 0


def rows(operations: Operations) -> list[Row]:
    """A row for each operation."""
    return [_row(name, (), operation.total) for name, operation in sorted(operations.operations.items())]


def label_rows(name: str, operation: Operation) -> list[Row]:
    """A row for each of its sets of labels."""
    return [_row(name, key, tally) for key, tally in sorted(operation.sets.items())]


def cost(operations: Operations, wall: int) -> dict[str, float]:
    """What the probes took: the seconds are those of the pytest processes, the bytes those of all."""
    closed = operations.closed
    seconds = sum(event.emit_ns for event in closed) / 1e9
    return {
        "records": operations.records,
        "bytes": operations.bytes,
        "lost": sum(event.lost for event in closed),
        "refused": sum(event.errors for event in closed),
        "emit_seconds": seconds,
        "share_of_wall": seconds / (wall / 1e9) if wall else 0.0,
    }


def percentiles(latency: Histogram) -> dict[str, int | None]:
    """The percentiles that are shown, each None where the samples cannot carry it."""
    return {key: percentile(latency, q).value for key, q in QUANTILES.items()}


def stages(cases: Iterable[Case]) -> dict[str, Histogram]:
    """How long setup, call and teardown took, over all tests that came to their end."""
    found = {name: Histogram() for name in ("setup", "call", "teardown")}
    for case in cases:
        for name, duration in zip(stage_names(case), case.durations, strict=False):
            found[name].record(max(0, duration))
    return found


def plain_stages(cases: Iterable[Case]) -> dict[str, dict[str, Any]]:
    """The same for `summary.json`; times in seconds, None where the tests are too few."""
    return {
        name: {"n": taken.count, **_times(percentiles(taken)), "max": _seconds(taken.max)}
        for name, taken in stages(cases).items()
    }


def plain_suite_budgets(verdicts: Iterable[SuiteVerdict]) -> list[dict[str, Any]]:
    """The verdict on each budget of a suite, for `summary.json`; times in seconds."""
    return [
        {
            "suite": suite, "operation": verdict.operation, "budget": verdict.budget,
            "verdict": verdict.outcome, "dimension": verdict.dimension, "n": verdict.n,
            "margin": verdict.margin, "measured": _in_seconds(verdict.measured, verdict.dimension),
            "message": verdict.message,
        }
        for suite, verdict in verdicts
    ]  # fmt: skip


def _in_seconds(value: float | None, dimension: str) -> float | None:
    return value / 1e9 if value is not None and dimension == "time" else value


def plain(operations: Operations, ids: Mapping[int, str]) -> list[dict[str, Any]]:
    """Everything about each operation, for `summary.json`; times in seconds, None where not measured."""
    return [_plain(operation, ids) for _, operation in sorted(operations.operations.items())]


def _plain(operation: Operation, ids: Mapping[int, str]) -> dict[str, Any]:
    total = operation.total
    return {
        "name": operation.name,
        **_figures(_row(operation.name, (), total)),
        "by_concurrency": {
            label: {"n": latency.count, **_times(percentiles(latency)), "max": _seconds(latency.max)}
            for label, latency in total.by_concurrency.rows()
        },
        "labels": [
            {"labels": dict(key), **_figures(_row(operation.name, key, tally))}
            for key, tally in sorted(operation.sets.items())
        ],
        "cases": {
            ids.get(case, str(case)): {
                "count": tally.count, "errors": tally.errors, "cancelled": tally.cancelled,
                "n": tally.latency.count, **_times(percentiles(tally.latency)),
                "max": _seconds(tally.latency.max),
            }
            for case, tally in operation.cases.items()
        },
        "histogram": total.latency.to_wire(),
    }  # fmt: skip


def _figures(row: Row) -> dict[str, Any]:
    times = {key: getattr(row, key) for key in (*QUANTILES, "max")}
    return {
        "count": row.count, "errors": row.errors, "cancelled": row.cancelled, "unfinished": row.unfinished,
        "rate": row.rate, "peak": row.peak, "late": row.late, "n": row.n, **_times(times),
    }  # fmt: skip


def _times(times: dict[str, int | None]) -> dict[str, float | None]:
    return {key: _seconds(value) for key, value in times.items()}


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e9


def plain_budgets(operations: Operations, ids: Mapping[int, str]) -> list[dict[str, Any]]:
    """The verdict on each budget, for `summary.json`; times in seconds."""
    return [
        {
            "case": ids.get(event.case, str(event.case)), "operation": event.operation, "budget": event.limit,
            "verdict": event.verdict, "dimension": event.dimension, "n": event.n, "margin": event.margin,
            "measured": _in_seconds(event.measured, event.dimension),
            "message": event.message,
        }
        for event in operations.budgets.values()
    ]  # fmt: skip


def _row(name: str, labels: Labels, tally: Tally) -> Row:
    carried = percentiles(tally.latency)
    return Row(
        name, dict(labels), tally.count, tally.errors, tally.cancelled, tally.unfinished, tally.now,
        tally.peak, tally.rate, tally.latency.count, max=tally.latency.max, late=tally.flight.late, **carried,
    )  # fmt: skip
