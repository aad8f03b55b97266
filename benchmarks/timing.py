"""Whole processes measured in turn, and the tables that come of it."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Sample(NamedTuple):
    """One run of one command; times in seconds, memory in bytes."""

    wall: float
    cpu: float
    memory: int


def environment() -> dict[str, str]:
    """The user's environment, with bytecode written as usual: without it pytest rewrites every file anew."""
    kept = dict(os.environ)
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def measure(command: Sequence[str], cwd: str, expected: int = 0) -> Sample:
    """Run a command to its end; CPU and memory are those of all its processes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def interleaved(
    commands: Mapping[str, Callable[[], Sample]], runs: int, warmup: int = 1
) -> dict[str, list[Sample]]:
    """Run all commands in turn, so that a machine that gets slower slows them alike."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(warmup + runs):
        for name, run in commands.items():
            sample = run()
            if number >= warmup:
                samples[name].append(sample)
    return samples


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Pair by pair."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


class Row(NamedTuple):
    """One figure: a ratio in each pair, and what it must be."""

    what: str
    values: list[float]
    must: float
    aim: float | None = None
    note: str = ""


def table(rows: Sequence[Row]) -> str:
    """The figures as aligned text."""
    lines = [f"{'what':<64} {'median':>7} {'min':>6} {'max':>6} {'must':>6} {'aim':>6}"]
    for row in rows:
        middle = statistics.median(row.values)
        verdict = "ok" if middle <= row.must else "MISSED"
        aim = f"{row.aim:.2f}" if row.aim is not None else "-"
        lines.append(
            f"{row.what:<64} {middle:>7.2f} {min(row.values):>6.2f} {max(row.values):>6.2f}"
            f" {row.must:>6.2f} {aim:>6}  {verdict} {row.note}".rstrip()
        )
    return "\n".join(lines)
