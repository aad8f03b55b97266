"""A recorded run as a trace for Perfetto and Chrome: tests in their workers, operations, resources, marks.

The format is Chrome's Trace Event Format; its moments are microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from itdash.events import model
from itdash.events.ops import BEGUN, Decoder
from itdash.events.wire import encode_value
from itdash.render.document import run
from itdash.state.lanes import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.document.run import Recording

OPERATIONS_MOST: Final = 50_000
"""Beyond so many operations of a run, only how many were in flight is told."""

_TESTS, _OPERATIONS, _RESOURCES = 1, 2, 3
_OUTCOMES: Final = {0: "unfinished", 2: "ok", 3: "error", 4: "cancelled"}
_COLOURS: Final = {
    "passed": "good", "flaky": "bad", "rerun": "bad", "failed": "terrible", "error": "terrible",
    "crashed": "black", "timed out": "black", "interrupted": "black",
}  # fmt: skip


def document(recording: Recording) -> bytes:
    """The trace."""
    state = recording.state
    many = state.operations.records > 2 * OPERATIONS_MOST
    events = [
        *_names(recording), *_tests(recording), *_stages(recording),
        *([] if many else _operations(recording)), *_in_flight(recording), *_resources(recording),
        *_marks(recording),
    ]  # fmt: skip
    told = {
        "run": recording.name, "began": run.started(state), "verdict": run.verdict(state),
        "unread": recording.unread,
    }  # fmt: skip
    if many:
        told["left_out"] = f"operations one by one: there are more than {OPERATIONS_MOST:,}"
    return encode_value({"traceEvents": events, "displayTimeUnit": "ms", "otherData": told}) + b"\n"


def _names(recording: Recording) -> Iterator[dict[str, Any]]:
    for pid, name in ((_TESTS, "tests"), (_OPERATIONS, "operations"), (_RESOURCES, "resources")):
        yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}
        yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
    for tid, lane in enumerate(recording.lanes.named, 1):
        name = lane.name or "main process"
        yield {"ph": "M", "name": "thread_name", "pid": _TESTS, "tid": tid, "args": {"name": name}}


def _tests(recording: Recording) -> Iterator[dict[str, Any]]:
    """A slice for each test in its lane."""
    state, last = recording.state, run.duration(recording.state)
    for tid, lane in enumerate(recording.lanes.named, 1):
        for place, number in enumerate(lane.numbers):
            nodeid = state.ids.get(number, str(number))
            case = state.cases.get(nodeid)
            start, outcome = lane.starts[place], OUTCOMES[lane.outcomes[place]]
            args: dict[str, Any] = {"id": nodeid, "outcome": outcome}
            if case is not None and case.cause:
                args["cause"] = case.cause
            claimed = state.requirements.claims.get(nodeid)
            if claimed:
                args["requirements"] = list(claimed)
            event = {
                "ph": "X", "name": case.title if case else nodeid, "cat": "test", "pid": _TESTS, "tid": tid,
                "ts": _us(start), "dur": _us(lane.end(place, last) - start), "args": args,
            }  # fmt: skip
            if outcome in _COLOURS:
                event["cname"] = _COLOURS[outcome]
            yield event


def _stages(recording: Recording) -> Iterator[dict[str, Any]]:
    """Setup, call and teardown as slices within those of their tests."""
    tids = {lane.name: tid for tid, lane in enumerate(recording.lanes.named, 1)}
    open_: dict[int, tuple[int, int]] = {}
    for event in recording.events:
        if isinstance(event, model.CaseStarted):
            open_[event.case] = (tids.get(event.worker, 0), event.t)
        elif isinstance(event, model.StageFinished) and event.stage != "crash" and event.case in open_:
            tid, reached = open_[event.case]
            start = max(reached, event.t - event.duration)
            open_[event.case] = (tid, event.t)
            if event.t > start:
                yield {
                    "ph": "X", "name": event.stage, "cat": "stage", "pid": _TESTS, "tid": tid,
                    "ts": _us(start), "dur": _us(event.t - start), "args": {"outcome": event.outcome},
                }  # fmt: skip
        elif isinstance(event, (model.CaseFinished, model.CaseAborted)):
            open_.pop(event.case, None)


def _operations(recording: Recording) -> Iterator[dict[str, Any]]:
    """Each operation as an asynchronous slice, from its begin to its end."""
    last = run.duration(recording.state)
    decoders: dict[str, Decoder] = {}
    id = 0
    for event in recording.events:
        if not isinstance(event, model.OperationsHappened):
            continue
        decoder = decoders.setdefault(event.source, Decoder())
        for number, t, duration, outcome in decoder.feed(event.slot, event.words):
            if duration != BEGUN:
                id += 1
                yield from _operation(decoder, number, id, t - duration, t, _OUTCOMES.get(outcome, ""))
    for decoder in decoders.values():
        for word in decoder.open.values():
            id += 1
            began = word >> 12
            yield from _operation(decoder, word & 4095, id, began, max(last, began), "unfinished")


def _operation(
    decoder: Decoder, number: int, id: int, begin: int, end: int, outcome: str
) -> Iterator[dict[str, Any]]:
    name, labels = decoder.names.get(number, ("(its name was lost)", {}))
    both = {"name": name, "cat": "operation", "id": f"{id:x}", "pid": _OPERATIONS, "tid": 0}
    yield {"ph": "b", **both, "ts": _us(begin), "args": {"outcome": outcome, **labels}}
    yield {"ph": "e", **both, "ts": _us(end)}


def _in_flight(recording: Recording) -> Iterator[dict[str, Any]]:
    """How many of each operation were in flight, as the highest number in each stretch of time."""
    for name, operation in sorted(recording.state.operations.operations.items()):
        line = operation.total.line()
        if line is None:
            continue
        levels = [*line.highest, line.last[-1]]
        for place, level in enumerate(levels):
            if place == 0 or level != levels[place - 1]:
                yield _counter(
                    f"in flight: {name}", _OPERATIONS, line.start + place * line.width, {"now": level}
                )


def _resources(recording: Recording) -> Iterator[dict[str, Any]]:
    """What pytest and all processes below it took."""
    before = None
    for point in recording.state.resources.series:
        yield _counter("memory", _RESOURCES, point.t, {"bytes": point.memory})
        yield _counter("processes", _RESOURCES, point.t, {"processes": point.processes})
        yield _counter("threads", _RESOURCES, point.t, {"threads": point.threads})
        yield _counter("descriptors", _RESOURCES, point.t, {"descriptors": point.descriptors})
        if before is not None and point.t > before.t:
            share = round((point.cpu - before.cpu) / (point.t - before.t), 3)
            yield _counter("CPUs busy", _RESOURCES, before.t, {"CPUs": share})
        before = point


def _counter(name: str, pid: int, t: int, values: dict[str, float]) -> dict[str, Any]:
    return {"ph": "C", "name": name, "pid": pid, "tid": 0, "ts": _us(t), "args": values}


def _marks(recording: Recording) -> Iterator[dict[str, Any]]:
    for t, text in recording.lanes.marks:
        yield {
            "ph": "i", "s": "g", "name": text, "cat": "mark", "pid": _TESTS, "tid": 0, "ts": _us(t),
        }  # fmt: skip


def _us(ns: int) -> float:
    return ns / 1_000
