"""What the probe costs, and whether its figures are true: `python benchmarks/probe.py [RUNS]`.

The comparison with OpenTelemetry needs its SDK beside itdash, in an environment of its own:

    python -m venv /tmp/otel && /tmp/otel/bin/pip install . opentelemetry-sdk
    /tmp/otel/bin/python benchmarks/probe.py
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from timing import Row, environment, ratios, table

from itdash import probe
from itdash.events.journal import Tail
from itdash.events.model import OperationsHappened
from itdash.events.ops import BEGUN, Decoder
from itdash.probe import attention
from itdash.state.fold import apply_all
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOPS = 20_000
OPERATIONS = 1_000_000
TASKS = 8
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@contextmanager
def nothing() -> Iterator[None]:
    """The least that a context manager written by hand costs."""
    yield


def _operations(loops: int) -> None:
    operation = probe.operation
    for _ in range(loops):
        with operation("scrape"):
            pass


def _nothing(loops: int) -> None:
    for _ in range(loops):
        with nothing():
            pass


def _spans() -> Callable[[int], None] | None:
    """Spans of OpenTelemetry's SDK, kept by a processor that hands each to an exporter in memory."""
    try:
        trace = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        in_memory = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    except ImportError:
        return None
    exporter = in_memory.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("benchmark")

    def spans(loops: int) -> None:
        for _ in range(loops):
            with tracer.start_as_current_span("scrape"):
                pass
        exporter.clear()

    return spans


def _seconds(run: Callable[[int], None]) -> float:
    gc.collect()
    began = time.perf_counter()
    run(LOOPS)
    return (time.perf_counter() - began) / LOOPS


def costs(runs: int) -> list[Row]:
    """Seconds for each operation, all candidates in turn."""
    folder = _folder()
    spans = _spans()
    taken: dict[str, list[float]] = {"silent": [], "listening": [], "nothing": [], "span": []}
    attention.record_at(attention.Place(folder, time.perf_counter_ns(), "pytest-1", ""))
    _operations(1)
    listener = attention.current()
    for _ in range(runs + 1):
        attention.listen(None)
        taken["silent"].append(_seconds(_operations))
        taken["nothing"].append(_seconds(_nothing))
        attention.listen(listener)
        taken["listening"].append(_seconds(_operations))
        attention.listen(None)
        taken["span"].append(_seconds(spans) if spans else math.nan)
    taken = {name: values[1:] for name, values in taken.items()}
    rows = [
        Row("not listening / empty contextlib.contextmanager",
            ratios(taken["silent"], taken["nothing"]), 1.0, 0.5, _each(taken["silent"])),
    ]  # fmt: skip
    against = ratios(taken["listening"], taken["span"])
    if spans:
        rows.insert(0, Row("listening / OpenTelemetry span in memory", against, 0.25, 0.10,
                           f"{_each(taken['listening'])}, span {_each(taken['span'])}"))  # fmt: skip
    else:
        print("OpenTelemetry's SDK is not installed here; see the head of this file")
    return rows


def _each(seconds: Sequence[float]) -> str:
    return f"({sorted(seconds)[len(seconds) // 2] * 1e9:.0f} ns)"


def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="probe-")
    os.mkdir(f"{folder}/{attention.SEGMENTS}")
    return folder


# -- a million operations, recorded by one process and read by another --


def _child(folder: str, origin: int) -> None:
    attention.record_at(attention.Place(folder, origin, "pytest-1", ""))

    async def work(number: int) -> None:
        for i in range(OPERATIONS // TASKS):
            async with probe.operation("scrape"):
                if (i + number) % 7 == 0:
                    await asyncio.sleep(0)

    async def everybody() -> None:
        await asyncio.gather(*(work(number) for number in range(TASKS)))

    asyncio.run(_warm_up())
    before = _resident()
    began = time.perf_counter()
    asyncio.run(everybody())
    print(json.dumps({"growth": _resident() - before, "seconds": time.perf_counter() - began}))


async def _warm_up() -> None:
    for _ in range(10_000):
        async with probe.operation("warm-up"):
            pass


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


def million() -> list[Row]:
    """Bytes and memory, and what the fold says beside what all raw samples say."""
    folder, origin = _folder(), time.perf_counter_ns()
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", folder, str(origin)],
        stdout=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    state, tail = RunState(), Tail(Path(folder))
    before, most = _resident(), 0
    ended = False
    while True:
        events = tail.read()
        apply_all(state, events)
        most = max(most, _resident())
        if not events:
            if ended:
                break
            ended = child.poll() is not None
            time.sleep(0.02)
    told = json.loads(child.stdout.read() if child.stdout else "{}")
    child.wait()
    tail.close()
    state.operations.run_finished()
    size = state.operations.bytes / (OPERATIONS + 10_000)
    rows = [
        Row("1,000,000 operations from 8 tasks: journal bytes each", [size], 60, 20),
        Row("the same: memory growth of the child, MB", [max(0, told["growth"]) / 1e6], 50),
        Row("the same: memory growth of the reader, MB", [max(0, most - before) / 1e6], 50),
    ]
    return rows + _truth(state, Path(folder))


def _truth(state: RunState, folder: Path) -> list[Row]:
    """Everything that was recorded, sorted and counted the plain way."""
    edges = _raw(folder)
    durations = sorted(duration for _, duration in edges if duration != BEGUN)
    changes = sorted((t, 1 if duration == BEGUN else -1) for t, duration in edges)
    level = peak = 0
    moment = -1
    for t, change in changes:
        if t != moment:
            peak, moment = max(peak, level), t
        level += change
    tally = state.operations.operations["scrape"].total
    assert (tally.count, tally.latency.count) == (OPERATIONS, OPERATIONS)
    assert (len(durations), level) == (OPERATIONS, 0)
    errors = []
    for q in QUANTILES.values():
        exact = durations[math.ceil(q * len(durations)) - 1]
        errors.append(abs((tally.latency.quantile(q) or 0) - exact) / exact * 100)
    return [
        Row(f"peak: ours {tally.peak}, of all raw samples {peak}; difference", [tally.peak - peak], 0),
        Row("p50 p90 p95 p99 beside all raw samples, worst, %", [max(errors)], 1.0),
    ]


def _raw(folder: Path) -> list[tuple[int, int]]:
    tail, decoder = Tail(folder), Decoder()
    edges: list[tuple[int, int]] = []
    while events := tail.read():
        for event in events:
            if isinstance(event, OperationsHappened):
                found = decoder.feed(event.slot, event.words)
                edges += [edge[1:3] for edge in found if decoder.names[edge[0]][0] == "scrape"]
    tail.close()
    return edges


def rows(runs: int) -> list[Row]:
    """Every figure of the probe."""
    return million() + costs(max(runs, 7))


def main(arguments: Sequence[Any]) -> None:
    """Measure and print, or be the child that records."""
    if arguments[:1] == ["--child"]:
        _child(arguments[1], int(arguments[2]))
        return
    runs = int(arguments[0]) if arguments else 15
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {max(runs, 7)} rounds, in turn")
    print(table(rows(runs)))


if __name__ == "__main__":
    main(sys.argv[1:])
