"""Watch mode against pytest-watcher: from a save to a verdict that is known to be of what was saved.

    python benchmarks/watch.py PYTHON [--rounds N] [--stale N] [--lost N] [FIGURE]...

PYTHON has itdash, pytest-watcher, watchdog below 7 (newer ones never trigger), numpy, scipy, pandas and
sqlalchemy.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from timing import Row, environment, ratios, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEAVY = "import numpy, scipy.stats, pandas, sqlalchemy\n"
FIGURES = ("light", "heavy", "first", "stale", "lost")
LIMIT, HEAD = 120.0, "\n── "
TRIES, PATIENCE = 3, 30.0


class Watcher:
    """A tool that watches a project of its own, whose one interesting test fails and names what it read."""

    def __init__(self, folder: Path, command: Sequence[str], python: str) -> None:
        self.folder, self.number, self.missed = folder, 0, 0
        path = f"{os.path.dirname(python)}{os.pathsep}{os.environ['PATH']}"
        self._process = subprocess.Popen(
            command, cwd=folder, env={**environment(), "PATH": path, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self.text = ""
        self._came = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("token-000000")

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 65536):
            with self._came:
                self.text += data.decode(errors="replace")
                self._came.notify_all()

    def save(self, vary: bool = True) -> tuple[str, int]:
        """Save another value: what a verdict must name, and where the text ended before."""
        self.number += 1
        token = f"token-{self.number:06}"
        start = len(self.text)
        write(self.folder, token, "#" * (self.number % 40) if vary else "")
        return token, start

    def wait(self, token: str, start: int = 0, limit: float = LIMIT) -> bool:
        """Wait for a verdict that names this; whether it came."""
        deadline = time.monotonic() + limit
        with self._came:
            while token not in self.text[start:]:
                left = deadline - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    return False
                self._came.wait(left)
        return True

    def took(self) -> float:
        """Seconds from a save to its verdict; a save that is never answered is made again, and counted."""
        for _ in range(TRIES):
            began = time.perf_counter()
            if self.wait(*self.save(), PATIENCE):
                return time.perf_counter() - began
            self.missed += 1
        raise SystemExit(f"no verdict came:\n{self.text[-3000:]}")

    def settle(self) -> None:
        """Wait until nothing more is printed."""
        length = -1
        while length != len(self.text):
            length = len(self.text)
            time.sleep(0.5)

    def close(self) -> None:
        """End it with all that it has started."""
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def write(folder: Path, token: str, more: str = "") -> None:
    """The one module that is saved, replaced as editors do."""
    other = folder / ".value.py.swp"
    other.write_text(f"VALUE = '{token}'  #{more}\n")
    os.replace(other, folder / "value.py")


def project(folder: Path, heavy: bool, files: int, tests: int, pause: float = 0) -> None:
    """A project of so many files with so many tests each; only one of them depends on what is saved."""
    folder.mkdir()
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\naddopts = -q --tb=line -p no:cacheprovider\n"
    )
    (folder / "lib.py").write_text(HEAVY if heavy else "import json, dataclasses\n")
    write(folder, "token-000000")
    for number in range(files):
        body = "".join(f"def test_{n}():\n    assert True\n" for n in range(tests))
        (folder / f"test_{number:03}.py").write_text(f"import lib\n{body}")
    wait = f"    import time\n    time.sleep({pause})\n" if pause else ""
    (folder / "test_value.py").write_text(
        f"import lib, value\ndef test_value():\n{wait}    assert not value.VALUE, value.VALUE\n"
    )


def against(python: str, place: Path, heavy: bool, files: int, tests: int, rounds: int) -> list[float]:
    """Save in turn for itdash and for pytest-watcher: how much of the other's time itdash takes."""
    place.mkdir()
    commands = {
        "itdash": [python, "-m", "itdash", "watch"],
        "other": [python, "-m", "pytest_watcher", ".", "--now"],
    }
    tools = {}
    for name, command in commands.items():
        project(place / name, heavy, files, tests)
        tools[name] = Watcher(place / name, command, python)
    samples: dict[str, list[float]] = {name: [] for name in tools}
    try:
        for number in range(rounds + 2):
            for name, tool in tools.items():
                tool.settle()
                took = tool.took()
                if number > 1:
                    samples[name].append(took)
    finally:
        for tool in tools.values():
            tool.close()
    told = {name: sorted(times)[len(times) // 2] * 1e3 for name, times in samples.items()}
    print(f"{place.name}: itdash {told['itdash']:.0f} ms, pytest-watcher {told['other']:.0f} ms (medians)")
    for name, tool in tools.items():
        if tool.missed:
            print(f"{place.name}: {tool.missed} saves without an answer ({name})")
    return ratios(samples["other"], samples["itdash"])


def stale(python: str, place: Path, saves: int) -> str:
    """Saves of one size, each as soon as the verdict before is there: verdicts that name another value."""
    project(place, False, 2, 2)
    tool = Watcher(place, [python, "-m", "itdash", "watch", "--affected"], python)
    tool.settle()
    wrong, gaps = 0, []
    try:
        for _ in range(saves):
            began = time.perf_counter()
            token, start = tool.save(vary=False)
            wrong += not tool.wait(token, start, 30)
            told = tool.text[start:].partition(token)[0]
            wrong += (
                "token-" in told.partition(HEAD)[2]
            )  # after the head of a round that began after the save
            gaps.append(time.perf_counter() - began)
    finally:
        tool.close()
    gap = sorted(gaps)[len(gaps) // 2]
    return f"{wrong} stale verdicts in {saves} saves of one size, {gap:.2f} s apart (median)"


def lost(python: str, place: Path, saves: int) -> str:
    """Bursts of saves at random moments, also while tests run: the last of each must have its verdict."""
    project(place, False, 2, 2, pause=0.1)
    tool = Watcher(place, [python, "-m", "itdash", "watch", "--affected"], python)
    tool.settle()
    chance, missing, done = random.Random(6), 0, 0
    try:
        while done < saves:
            number = min(chance.randint(1, 5), saves - done)
            for _ in range(number):
                time.sleep(chance.random() * 0.4)
                token, start = tool.save(vary=False)
            done += number
            missing += not tool.wait(token, start, 30)
    finally:
        tool.close()
    return f"{missing} saves lost of {saves} at random moments"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of {', '.join(FIGURES)}")
    for name, number in (("rounds", 10), ("stale", 500), ("lost", 500)):
        parser.add_argument(f"--{name}", type=int, default=number)
    given = parser.parse_args()
    wanted = given.figures or FIGURES
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        sizes: dict[str, tuple[bool, int, int, float, float]] = {
            "light": (False, 5, 4, 2, 3), "heavy": (True, 5, 4, 8, 12), "first": (True, 100, 20, 20, 50),
        }  # fmt: skip
        for name, (heavy, files, tests, must, aim) in sizes.items():
            if name in wanted:
                values = against(given.python, base / name, heavy, files, tests, given.rounds)
                rows.append(
                    Row(
                        f"{name}: itdash's time of pytest-watcher's",
                        [1 / v for v in values],
                        1 / must,
                        1 / aim,
                    )
                )
        if rows:
            print(table(rows))
        counts: dict[str, Callable[[], str]] = {
            "stale": lambda: stale(given.python, base / "stale", given.stale),
            "lost": lambda: lost(given.python, base / "lost", given.lost),
        }
        for name, count in counts.items():
            if name in wanted:
                print(count())


if __name__ == "__main__":
    main()
