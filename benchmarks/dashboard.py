"""The dashboard under load on a pty: how late its loop is, how soon a key is painted, what it costs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

from timing import environment

_HERE = Path(__file__).parent
_SIZE = (60, 220)
_SECONDS = 8
_KEYS = 0.15


def main() -> None:
    """Measure and print."""
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    for pace in (0, 5_000, 50_000):
        result = measure(tests, pace, _SECONDS)
        print(
            f"{tests:,} tests, {pace:>6,} events/s: loop lag p99 {_p99(result['lags']):.1f} ms "
            f"(max {max(result['lags']) * 1e3:.1f}), key to paint p99 {_p99(result['reactions']):.1f} ms "
            f"(n {len(result['reactions'])}), CPU {result['cpu']:.0%} of a core, memory {result['memory'] / 1e6:.0f} MB, "
            f"{result['events']:,} events shown of {result['written']:,} written"
        )
    empty = measure(1, 0, 1)
    print(f"memory with one test {empty['memory'] / 1e6:.0f} MB")


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] * 1e3 if len(seconds) > 1 else float("nan")


def measure(tests: int, pace: int, seconds: float) -> dict[str, Any]:
    """One dashboard, one journal that grows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "segments").mkdir()
        (folder / "itdash.toml").touch()
        writer = subprocess.Popen(
            [sys.executable, str(_HERE / "stream.py"), name, str(tests), str(pace), str(seconds + 2)],
            stdout=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        result = folder / "result.json"
        sent = _drive([sys.executable, str(_HERE / "screen.py"), name, str(result), str(seconds)], folder)
        written = int(writer.communicate()[0] or 0)
        found: dict[str, Any] = json.loads(result.read_text())
    found["written"] = written
    found["reactions"] = _reactions(sent, found["painted"])
    return found


def _reactions(sent: list[float], painted: list[float]) -> list[float]:
    """For each key the first paint after it."""
    return [next((at - key for at in painted if at > key), float("inf")) for key in sent if key < max(painted, default=0)]


def _drive(command: list[str], folder: Path) -> list[float]:
    """Run a program on a pty, press keys now and then, and read all that it draws; when which key was pressed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(environment(), TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
    sent: list[float] = []
    next_key = float("inf")
    keys = [b"j", b"j", b"j", b"k"]
    while True:
        if next_key == float("inf") and (folder / "go").exists():
            next_key = time.perf_counter() + 1.0
        ready, _, _ = select.select([fd], [], [], 0.02)
        if ready:
            try:
                if not os.read(fd, 1 << 16):
                    break
            except OSError:
                break
        if time.perf_counter() > next_key:
            sent.append(time.perf_counter())
            os.write(fd, keys[len(sent) % len(keys)])
            next_key = time.perf_counter() + _KEYS
    os.waitpid(pid, 0)
    os.close(fd)
    return sent


if __name__ == "__main__":
    main()
