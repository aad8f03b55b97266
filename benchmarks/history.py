"""Questions to a history of 10,000 runs, compares of identical code and of slower code.

The database is made up; the durations in the compares are really measured, operation by operation, while the
machine does whatever it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from itdash.history.compare import EARLIER, Past, compare
from itdash.history.record import Head, Operation, Record, Test
from itdash.history.store import FILE, Store
from itdash.measure.latency import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RUNS, TESTS, REPEATS = 10_000, 100, 9
COMPARES, SLOWER = 200, 50
ROUNDS, BURST, PAUSE = 40, 5, 0.012
FACTOR: Final = 1.3


# -- questions --


def made_up(runs: int, tests: int) -> Iterator[Record]:
    """Runs of a project with flaky, failing and slower tests, as a year of work leaves them."""
    chance = random.Random(1)
    operations = {name: _latencies(chance) for name in ("db.query", "cache.get", "http.send")}
    for number in range(runs):
        seconds = 1_760_000_000 + number * 3_000
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds)) + f"-{number % 1000:03d}abcd"
        found = {}
        for test in range(tests):
            broken = (test % 20 == 0 and chance.random() < 0.1) or (test == 7 and number > runs - 300)
            retried = test % 25 == 3 and chance.random() < 0.05
            slower = 1.5 if test == 11 and number > runs - 20 else 1.0
            duration = int(chance.gauss(40e6, 2e6) * slower)
            outcome = "failed" if broken else "passed"
            found[f"tests/test_{test // 10}.py::test_{test}"] = Test(outcome, 1 + retried, duration)
        failed = sum(test.outcome == "failed" for test in found.values())
        head = Head(
            name, seconds, 5 * 10**9, "failed" if failed else "passed", int(failed > 0),
            hashlib.sha1(str(number // 4).encode()).hexdigest(), "main", True, "x86_64, 2 CPUs", "3.11.7",
            "9.0.0", 0, "/project", ("launch",), (), {"passed": tests - failed, "failed": failed},
        )  # fmt: skip
        yield Record(head, found, operations, {}, {("tests", str(id)): "verified" for id in range(20)})


def _latencies(chance: random.Random) -> Operation:
    latency = Histogram()
    latency.record_many(int(chance.lognormvariate(14, 0.4)) for _ in range(500))
    return Operation(500, 0, 5, latency)


def asked(project: Path, arguments: Sequence[str]) -> float:
    """Milliseconds that a whole command takes, the median of some."""
    took = []
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(REPEATS):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "itdash", *arguments], cwd=project, env=environment, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        took.append((time.perf_counter() - begin) * 1e3)
    return median(took)


def questions() -> None:
    """Print how long each takes."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "pyproject.toml").write_text("[tool.itdash]\n")
        (project / ".itdash").mkdir()
        path = project / ".itdash" / FILE
        begin = time.perf_counter()
        with Store.open(path) as store:
            store.add(made_up(RUNS, TESTS))
        size = path.stat().st_size / 1e6
        took = time.perf_counter() - begin
        print(f"{RUNS:,} runs of {TESTS} tests: {size:.0f} MB, written in {took:.1f} s")
        print("\n| command | ms | must |\n|---|---:|---:|")
        for arguments in (
            ["config"], ["runs"], ["runs", "--json", "-n", "100"], ["runs", "flaky"], ["runs", "failing"],
            ["runs", "slower"], ["runs", "--test", "tests/test_0.py::test_0"], ["compare"],
            ["compare", "green"],
        ):  # fmt: skip
            must = "" if arguments == ["config"] else "300"
            print(
                f"| `itdash {' '.join(arguments)}` | {asked(project, arguments):.0f} | {must} |", flush=True
            )


# -- compares --


def operations() -> dict[str, Callable[[], object]]:
    """Work of several kinds, from a tenth of a millisecond on."""
    block, numbers = b"x" * 1000, [random.random() for _ in range(300)]
    document = {str(key): list(range(5)) for key in range(20)}
    return {
        "hash": lambda: [hashlib.sha256(block).digest() for _ in range(40)],
        "json": lambda: [json.loads(json.dumps(document)) for _ in range(5)],
        "sort": lambda: [sorted(numbers) for _ in range(10)],
        "objects": lambda: [[object() for _ in range(200)] for _ in range(10)],
        "wait": lambda: time.sleep(0.0003),
    }


def measured(number: int, work: dict[str, Callable[[], object]], slower: str = "") -> Record:
    """One run; the operation that is slower really takes 1.3 times as long, each time."""
    found = {name: Histogram() for name in work}
    clock = time.perf_counter_ns
    for _ in range(ROUNDS):
        for name, do in work.items():
            record = found[name].record
            for _ in range(BURST):
                begin = clock()
                do()
                if name == slower:
                    until = begin + int((clock() - begin) * FACTOR)
                    while clock() < until:
                        pass
                record(clock() - begin)
        time.sleep(PAUSE)
    n = ROUNDS * BURST
    return Record(Head(f"{number:06d}"), {}, {name: Operation(n, 0, 1, one) for name, one in found.items()})


def past(runs: Sequence[Record]) -> Past:
    """What the history tells of these runs, the newest last."""
    latencies: dict[str, list[tuple[int, Histogram, int]]] = {}
    newest = list(reversed(runs))
    for place, run in enumerate(newest):
        for name, one in run.operations.items():
            latencies.setdefault(name, []).append((place, one.latency, one.peak))
    return Past([run.head for run in newest], latencies)


def slower_in(base: Sequence[Record], run: Record) -> set[str]:
    """The operations that a compare with the last of the earlier runs calls slower."""
    found = compare(base[-1], run, past(base))
    return {one.name for one in found.operations if one.judged == "slower"}


def compares() -> None:
    """Print how often identical code is called slower, and how often slower code is."""
    work = operations()
    numbers = count()
    runs = [measured(next(numbers), work) for _ in range(EARLIER)]
    names = list(work)
    wrong = found = others = 0
    begin = time.perf_counter()
    for place in range(COMPARES):
        run = measured(next(numbers), work)
        wrong += bool(slower_in(runs[-EARLIER:], run))
        if place % (COMPARES // SLOWER) == 0:
            name = names[place // (COMPARES // SLOWER) % len(names)]
            called = slower_in(runs[-EARLIER:], measured(next(numbers), work, name))
            found += name in called
            others += bool(called - {name})
        runs.append(run)
    took = time.perf_counter() - begin
    spread = {name: sorted(run.operations[name].latency.quantile(0.5) or 0 for run in runs) for name in names}
    samples = ROUNDS * BURST
    print(f"\n{COMPARES + SLOWER} compares with {EARLIER} earlier runs each, {samples} samples of each of"
          f" {len(names)} operations in a run, in {took:.0f} s")  # fmt: skip
    print("\n| what | measured | must |\n|---|---:|---:|")
    print(f"| false regressions in {COMPARES} compares of identical code | {wrong / COMPARES:.1%} | 2 % |")
    print(f"| true 30 % slowdowns found, of {SLOWER} | {found / SLOWER:.1%} | 95 % |")
    print(f"| compares of those in which another operation was named too | {others / SLOWER:.1%} | |")
    print("\n| medians of identical code over all runs | lowest | usual | highest |\n|---|---:|---:|---:|")
    for name, medians in spread.items():
        low, middle, high = medians[0], medians[len(medians) // 2], medians[-1]
        print(f"| {name} | {low / middle:.2f} | {middle / 1e3:.0f} us | {high / middle:.2f} |")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["questions", "compares"]
    if "questions" in wanted:
        questions()
    if "compares" in wanted:
        compares()
