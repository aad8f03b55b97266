"""The dashboard on a pty: its loop under load, its first picture, its cost at rest, a whole run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pseudo import Terminal
from spine import project
from timing import environment

_HERE = Path(__file__).parent
_SECONDS = 8.0
_KEYS = 0.15
_MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("itdash")
Minimal().run()
"""


def main() -> None:
    """Measure and print."""
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    empty = load(1, 0, 1.0)["memory"]
    for pace in (0, 5_000, 50_000):
        # So long that every test runs once: a second time would not be what a run is.
        seconds = min(_SECONDS, tests * 5 / pace - 2) if pace else _SECONDS
        result = load(tests, pace, seconds)
        print(
            f"{tests:,} tests, {pace:>6,} events/s: loop lag p99 {p99(result['lags']):5.1f} ms "
            f"(max {max(result['lags']) * 1e3:.1f}), key to paint p99 {p99(result['reactions']):5.1f} ms "
            f"(n {len(result['reactions'])}), CPU {result['cpu']:.0%}, "
            f"memory above an empty one {(result['memory'] - empty) / 1e6:.0f} MB"
        )
    ours, minimal = zip(*(first_paint(tests) for _ in range(runs)), strict=True)
    print(f"first paint / a minimal textual app: {told([a / b for a, b in zip(ours, minimal, strict=True)])}")
    whole, bare, idle = zip(*(whole_run(10_000) for _ in range(runs)), strict=True)
    print(f"10,000 tests, wall / bare pytest: {told([a / b for a, b in zip(whole, bare, strict=True)])}")
    print(f"CPU while nothing changes: {statistics.median(idle):.2%} of a core")


def told(ratios: list[float]) -> str:
    """The median and the spread."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return statistics.quantiles(seconds, n=100)[98] * 1e3 if len(seconds) > 1 else float("nan")


def load(tests: int, pace: int, seconds: float) -> dict[str, Any]:
    """One dashboard over a journal that grows."""
    with tempfile.TemporaryDirectory() as name:
        folder = _journal_folder(name)
        writer = subprocess.Popen(
            [sys.executable, str(_HERE / "stream.py"), name, str(tests), str(pace), str(seconds + 2)],
            stdout=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        result = folder / "result.json"
        screen = Terminal([sys.executable, str(_HERE / "screen.py"), name, str(result), str(seconds)])
        sent = _press_keys(screen, folder)
        screen.wait()
        writer.communicate()
        found: dict[str, Any] = json.loads(result.read_text())
    painted = found["painted"]
    found["reactions"] = [
        next(at - key for at in painted if at > key) for key in sent if key < max(painted, default=0.0)
    ]
    return found


def _journal_folder(name: str) -> Path:
    folder = Path(name)
    (folder / "segments").mkdir()
    (folder / "itdash.toml").touch()
    return folder


def _press_keys(screen: Terminal, folder: Path) -> list[float]:
    """Move the cursor now and then; when which key was pressed."""
    screen.while_open(lambda: not (folder / "go").exists())
    screen.idle(1.0)
    sent: list[float] = []
    while screen.open:
        sent.append(time.perf_counter())
        screen.press(b"jjjk"[len(sent) % 4 :][:1])
        screen.idle(_KEYS)
    return sent


def first_paint(tests: int) -> tuple[float, float]:
    """Seconds to the first picture of a recorded run, and of an app that does nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = _journal_folder(name)
        (folder / "go").touch()
        subprocess.run(
            [sys.executable, str(_HERE / "stream.py"), name, str(tests), "0", "0"],
            stdout=subprocess.DEVNULL, env=environment(), check=True,
        )  # fmt: skip
        (folder / "minimal.py").write_text(_MINIMAL)
        ours = Terminal([sys.executable, str(_HERE / "screen.py"), name, f"{name}/result", "0.1"])
        seconds = ours.until(b"itdash")
        ours.wait()
        minimal = Terminal([sys.executable, f"{name}/minimal.py"])
        other = minimal.until(b"itdash")
        minimal.press(b"\x11")
        minimal.wait()
    return seconds, other


def whole_run(tests: int) -> tuple[float, float, float]:
    """Seconds until the dashboard says that all passed, and of bare pytest; CPU when all is over."""
    with tempfile.TemporaryDirectory() as name:
        project(Path(name), tests, 200)
        warm = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:itdash"]
        subprocess.run(warm, cwd=name, capture_output=True, env=environment(), check=True)
        itdash = Terminal([sys.executable, "-m", "itdash", "launch"], name)
        seconds = itdash.until("✓ passed".encode())
        itdash.idle(1.0)
        before = itdash.cpu()
        itdash.idle(4.0)
        idle = (itdash.cpu() - before) / 4.0
        itdash.press(b"q")
        itdash.wait()
        bare = Terminal([sys.executable, "-m", "pytest", "-q", "-p", "no:itdash"], name).wait()
    return seconds, bare, idle


if __name__ == "__main__":
    main()
