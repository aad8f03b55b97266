"""How long an export of many tests takes, and how large it gets: `python benchmarks/export.py [RUNS]`."""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from itdash.events import model, ops, wire
from itdash.views import export

_TESTS = 10_000
_FILES = 200
_MS = 1_000_000
_LIMITS = {".md": (1.0, 0), ".html": (3.0, 3_000_000)}
"""Seconds, with the reading of the journal, and bytes; 0 for no limit."""


def record(folder: Path, tests: int = _TESTS) -> None:
    """A journal of tests in four workers: some fail, some claim requirements, each has five operations."""
    segments = folder / "segments"
    segments.mkdir(parents=True)
    rows = tuple(
        model.CollectedCase(
            f"tests/area_{n % _FILES // 20}/test_module_{n % _FILES}.py::TestGroup::test_one[value-{n}]",
            n, (), (f"REQ-{n % 150}",) if n % 10 == 0 else (),
        )
        for n in range(tests)
    )  # fmt: skip
    required = tuple(model.RequirementRow(f"REQ-{n}", f"Requirement number {n}") for n in range(160))
    finish = tests * 3 * _MS + _MS
    own: list[model.Event] = [
        model.RunStarted(
            0, 1, folder.name, 1_800_000_000.0, "/project", "/project", ("itdash", "launch", "-n", "4"),
            "0.1.0", "3.11.7", "linux",
        ),
        model.RequirementsDeclared(1, "tests/area_0", "tests/area_0/requirements.toml", required),
        model.SessionStarted(2, 1, 4242, "9.2.0", "/project", plugins=("xdist 3.8.0",), distributed=True),
        *(model.CasesCollected(3, n, rows[n : n + 500]) for n in range(0, tests, 500)),
        model.CollectionFinished(4, tests),
        model.RunFinished(finish, "failed", 1),
    ]  # fmt: skip
    _write(segments / "itdash.jsonl", own)
    for worker in range(4):
        _worker(segments, worker, tests)


def _worker(segments: Path, worker: int, tests: int) -> None:
    name = f"gw{worker}"
    events: list[model.Event] = []
    words = ops.text_words(0, 0, {"worker": name})
    words += ops.text_words(1, 0, ["fetch", {"kind": "a"}])
    for n in range(worker, tests, 4):
        t = 1_000 + n // 4 * 12 * _MS
        failed = n % 97 == 0
        detail = wire.encode_value({
            "longrepr": "def test_something(value):\n" + "    a line of source\n" * 30 + "E   AssertionError",
            "stdout": "printed\n" * 20,
            "crash": {"path": "/project/a.py", "lineno": 3, "message": "AssertionError"},
        })  # fmt: skip
        call = model.StageFinished(t + 9 * _MS, n, "call", "passed", 8 * _MS, "passed")
        if failed:
            call = model.StageFinished(
                t + 9 * _MS, n, "call", "failed", 8 * _MS, "failed", msgspec.Raw(detail)
            )
        events += [
            model.CaseStarted(t, n, name), model.StageFinished(t + _MS, n, "setup", "passed", _MS), call,
            model.StageFinished(t + 10 * _MS, n, "teardown", "passed", _MS),
            model.CaseFinished(t + 10 * _MS, n),
        ]  # fmt: skip
        for k in range(5):
            words.append(ops.head(ops.BEGIN, 1, t + 2 * _MS + k * 1_000))
        for k in range(5):
            words.append((5 + n % 900 + k) * 1_000 << 28 | 5 << 4 | ops.OK)
    _write(segments / f"pytest-1-{name}.jsonl", events)
    (segments / f"pytest-1-{name}.ops").write_bytes(words.tobytes())


def _write(path: Path, events: list[model.Event]) -> None:
    path.write_bytes(b"".join(map(wire.encode, events)))


def main() -> None:
    """Measure and print."""
    gc.disable()  # as the command does
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{_TESTS:,} tests, median of {runs} in seconds with the reading of the journal, and bytes")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "20260101-120000-cafe000"
        record(folder)
        for suffix in (".md", ".html", ".xml", ".json", ".report.json", ".trace.json"):
            taken, size = [], 0
            for _ in range(runs + 1):
                gc.collect()
                began = time.perf_counter()
                data, _ = export.export(folder, Path(place) / f"out{suffix}", export.Wishes())
                taken.append(time.perf_counter() - began)
                size = len(data)
            middle = statistics.median(taken[1:])
            most, largest = _LIMITS.get(suffix, (0.0, 0))
            kept = (not most or middle <= most) and (not largest or size <= largest)
            limits = f"  must be {most:g} s" * bool(most) + f", {largest:,} bytes" * bool(largest)
            print(f"{suffix:<14} {middle:6.2f} {size:>12,}{limits}{'' if kept else '  MISSED'}")


if __name__ == "__main__":
    main()
