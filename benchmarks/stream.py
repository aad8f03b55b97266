"""Writes the journal of a large run at a pace: `python stream.py FOLDER TESTS EVENTS_PER_SECOND SECONDS`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from itdash import probe
from itdash.events import model
from itdash.events.wire import encode
from itdash.probe import attention

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES = 500
_BATCH = 0.005
_OPERATIONS = ("login", "order", "search", "pay", "deliver", "archive", "notify", "render")


def main() -> None:
    """Collect all tests at once; when told to, run them at the pace, over and over."""
    folder, tests, pace, seconds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    origin = time.perf_counter_ns()
    attention.record_at(attention.Place(str(folder), origin, "pytest-1", "", lambda _kind, _text: None))
    with (folder / "segments" / "pytest-1.jsonl").open("ab", buffering=0) as out:
        for event in collected(tests, str(folder)):
            out.write(encode(event))
        (folder / "collected").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
        lines = run(tests, origin)
        start, written = time.perf_counter(), 0
        while (now := time.perf_counter()) - start < seconds:
            due = int((now - start) * pace) - written
            out.write(b"".join(next(lines) for _ in range(due)))
            written += due
            time.sleep(_BATCH)
    print(written)


def collected(tests: int, root: str) -> Iterator[model.AnyEvent]:
    """What is told before the first test."""
    order = sorted(range(tests), key=lambda n: n % _FILES)
    rows = [
        model.CollectedCase(f"tests/area_{n % _FILES // 20}/test_file_{n % _FILES}.py::test_number_{n}", n)
        for n in order
    ]
    yield model.RunStarted(0, model.SCHEMA, "bench", 0.0, root, root, (), "0", "3", "linux")
    yield model.ProcessStarted(1, 1, os.getpid(), ())
    yield model.SessionStarted(2, 1, os.getpid(), "9", root)
    for n in range(0, tests, 500):
        yield model.CasesCollected(3, n, tuple(rows[n : n + 500]))
    yield model.CollectionFinished(4, tests)


def run(tests: int, origin: int) -> Iterator[bytes]:
    """The lines of tests that run, five for each; every hundredth fails, and each has an operation."""
    while True:
        for n in range(tests):
            t = time.perf_counter_ns() - origin
            word = "failed" if n % 100 == 7 else "passed"
            yield encode(model.CaseStarted(t, n))
            yield encode(model.StageFinished(t + 1, n, "setup", "passed", 1000))
            with probe.operation(_OPERATIONS[n % len(_OPERATIONS)]):
                yield encode(model.StageFinished(t + 2, n, "call", word, 20_000 + n, word))
            yield encode(model.StageFinished(t + 3, n, "teardown", "passed", 1000))
            yield encode(model.CaseFinished(t + 4, n))


if __name__ == "__main__":
    main()
