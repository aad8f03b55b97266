"""What it costs to run tests under itdash, against bare pytest on the same machine in the same minutes."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from timing import Row, Sample, environment, interleaved, measure, ratios

BIN = Path(sys.executable).parent
PYTEST = [str(BIN / "pytest"), "-q"]
JSON = [*PYTEST, "--json-report", "--json-report-file=.report.json"]
ITDASH = [str(BIN / "itdash"), "launch", "--headless"]

MEMORY = """
import resource
def pytest_unconfigure(config):
    with open("peak", "w") as peak:
        peak.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
"""


def project(folder: Path, tests: int, files: int) -> str:
    """A project of trivial tests."""
    (folder / "tests").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (folder / "conftest.py").write_text(MEMORY)
    for number in range(files):
        body = "".join(f"def test_{test}():\n    assert {test} >= 0\n\n" for test in range(tests // files))
        (folder / "tests" / f"test_{number}.py").write_text(body)
    return str(folder)


def with_peak(command: list[str], cwd: str) -> Sample:
    """A run whose memory is the peak of the pytest process alone."""
    sample = measure(command, cwd)
    return sample._replace(memory=int((Path(cwd) / "peak").read_text()))


def big(folder: Path, runs: int) -> list[Row]:
    """10,000 tests in 200 files."""
    cwd = project(folder / "big", 10_000, 200)
    samples = interleaved(
        {
            "bare": partial(with_peak, PYTEST, cwd),
            "itdash": partial(with_peak, ITDASH, cwd),
            "json": partial(with_peak, JSON, cwd),
        },
        runs,
    )
    bare, ours, json_report = (samples[name] for name in ("bare", "itdash", "json"))
    wall = statistics.median(sample.wall for sample in bare)
    return [
        Row("10,000 tests, wall / bare", ratios(*_walls(ours, bare)), 1.05, 0.95, f"{wall:.2f} s"),
        Row("10,000 tests, CPU of all processes / bare", ratios(*_cpus(ours, bare)), 1.10, 1.00),
        Row("10,000 tests, wall / pytest --json-report", ratios(*_walls(ours, json_report)), 0.85, 0.75),
        Row(
            "10,000 tests, peak memory of the pytest process / bare",
            ratios([one.memory for one in ours], [one.memory for one in bare]), 1.10, 0.90,
        ),
        *decode_and_fold(newest_run(Path(cwd)), runs),
    ]  # fmt: skip


def single(folder: Path, runs: int) -> list[Row]:
    """One trivial test: what starting costs."""
    cwd = project(folder / "one", 1, 1)
    samples = interleaved(
        {"bare": partial(measure, PYTEST, cwd), "itdash": partial(measure, ITDASH, cwd)}, 3 * runs, 2
    )
    wall = statistics.median(sample.wall for sample in samples["bare"])
    return [
        Row(
            "1 test, wall / bare", ratios(*_walls(samples["itdash"], samples["bare"])), 1.25, 1.05,
            f"{wall * 1e3:.0f} ms",
        )
    ]  # fmt: skip


def version(runs: int) -> list[Row]:
    """The quickest answer there is."""
    samples = interleaved(
        {
            "pass": partial(measure, [sys.executable, "-c", "pass"], "."),
            "version": partial(measure, [str(BIN / "itdash"), "--version"], "."),
        },
        5 * runs,
        3,
    )
    return [
        Row(
            "itdash --version / python -c pass",
            ratios(*_walls(samples["version"], samples["pass"])),
            3.0,
            2.0,
        )
    ]


def decode_and_fold(run: Path, runs: int) -> list[Row]:
    """Reading a recorded journal into a state, against json.loads of its lines."""
    values = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, __file__, "--fold", str(run)],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        values.append(float(done.stdout))
    return [Row("decode + fold of that run's journal / json.loads of its lines", values, 1.0, 0.4)]


def fold_once(run: Path) -> float:
    """The ratio, in this process."""
    from itdash.events.journal import replay
    from itdash.state import fold

    lines = [line for path in (run / "segments").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    began = time.perf_counter()
    for line in lines:
        json.loads(line)
    plain = time.perf_counter() - began
    began = time.perf_counter()
    fold.replay(replay(run)[0])
    return (time.perf_counter() - began) / plain


def newest_run(cwd: Path) -> Path:
    """The run directory that was made last."""
    return max((cwd / ".itdash" / "runs").iterdir(), key=lambda run: run.stat().st_mtime)


def _walls(ours: list[Sample], theirs: list[Sample]) -> tuple[list[float], list[float]]:
    return [sample.wall for sample in ours], [sample.wall for sample in theirs]


def _cpus(ours: list[Sample], theirs: list[Sample]) -> tuple[list[float], list[float]]:
    return [sample.cpu for sample in ours], [sample.cpu for sample in theirs]


def rows(runs: int) -> list[Row]:
    """All figures of the spine."""
    folder = Path(tempfile.mkdtemp(prefix="itdash-bench-"))
    try:
        return [*single(folder, runs), *version(runs), *big(folder, runs)]
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__" and sys.argv[1:2] == ["--fold"]:
    print(fold_once(Path(sys.argv[2])))
