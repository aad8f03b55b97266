"""What a warm process saves in later runs of a session, and whether a thousand runs leave anything behind.

    python -m venv /tmp/heavy && /tmp/heavy/bin/pip install numpy pandas scipy sqlalchemy -e .
    /tmp/heavy/bin/python benchmarks/warm.py pairs 20
    /tmp/heavy/bin/python benchmarks/warm.py endurance 1000

`pairs` takes runs in turn, warm and cold, after a save; the cold process has imported pytest already, as it
has whenever another run may follow. `endurance` runs one test again and again.
"""

from __future__ import annotations

import os
import select
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from itdash.runner.process import Link, start_keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.session import Session
    from itdash.state.run import RunState

HEAVY = ("numpy", "pandas", "scipy.stats", "sqlalchemy")
LIMIT = 120


class Took(NamedTuple):
    """One run: whether it was warm, and seconds until its first result and until its verdict."""

    warm: bool
    first: float
    verdict: float


class _View:
    """Keeps the state."""

    state: RunState

    def begin(self, state: RunState, _folder: Path) -> None:
        """The run directory is there."""
        self.state = state

    def show(self, state: RunState, events: Sequence[object], now: int) -> None:
        """Nothing is shown."""

    def end(self, state: RunState, folder: Path, reading: object) -> None:
        """Nothing is written."""


class Bench:
    """A session of its own, on one project."""

    def __init__(self, link: Link, project: Path, warm: bool) -> None:
        from itdash.config import Config
        from itdash.session import Session, Terms

        self.link, self.warm, self._view, self._project = link, warm, _View(), project
        self._config = Config(warm=warm, keep_runs=2, directory=".itdash" if warm else ".itdash-cold")
        self._session: Session = Session(Terms(project, project, ()), link, [self._view], several=True)

    def run(self, number: int) -> Took:
        """Save a new value, and run until the verdict on it."""
        from itdash.runner.command import Request

        (self._project / "own.py").write_text(f"{_imports()}VALUE = {number}\n")
        (self._project / "wanted.py").write_text(f"VALUE = {number}\n")
        began, first = time.perf_counter(), 0.0
        self._session.start(Request(), self._config)
        execution = self._session.execution
        assert execution is not None
        while not self._session.step():
            if not first and self._view.state.finished_cases:
                first = time.perf_counter() - began
            select.select([execution.link.inbox.fd], [], [], 0.001)
        took = time.perf_counter() - began
        state = self._view.state
        if state.finished is None or state.finished.verdict != "passed":
            raise SystemExit(f"run {number} was {state.finished}")
        self._session.finish()
        return Took(all(process.warm for process in state.processes.values()), first, took)

    def prepare(self) -> None:
        """Wait until a process waits; a cold one says nothing, and has a moment."""
        self._session.prepare()
        until = time.monotonic() + LIMIT
        while self.warm and not any(message[0] == "warm" for message in self.link.inbox.receive()):
            if time.monotonic() > until:
                raise SystemExit("no warm process")
            select.select([self.link.inbox.fd], [], [], 1)
        if not self.warm:
            time.sleep(1.5)

    def close(self) -> None:
        """End it."""
        self._session.close()


def _imports() -> str:
    there = [name for name in HEAVY if find_spec(name.partition(".")[0])]
    return f"import {', '.join(there)}\n" if there else ""


def _project(folder: Path) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(
        "import own, wanted\n\n\ndef test_it():\n    assert own.VALUE == wanted.VALUE\n"
    )
    return folder


def pairs(links: list[Link], project: Path, count: int) -> None:
    """Warm and cold in turn."""
    warm, cold = (Bench(link, project, kind) for link, kind in zip(links, (True, False), strict=True))
    told: list[tuple[Took, Took]] = []
    for number in range(count + 1):
        pair = (warm.run(2 * number), cold.run(2 * number + 1))
        if number:
            assert (pair[0].warm, pair[1].warm) == (True, False)
            told.append(pair)
        warm.prepare()
        cold.prepare()
    for field in ("first", "verdict"):
        ours, theirs = ([getattr(pair[side], field) for pair in told] for side in (0, 1))
        ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        print(
            f"request to {field}: warm {statistics.median(ours):.3f} s, "
            f"cold {statistics.median(theirs):.3f} s, {ratio:.1f} times as fast (medians, {count} pairs)"
        )
    cold.close()
    warm.close()


def endurance(links: list[Link], project: Path, count: int) -> None:
    """One warm run after another; what the keeper and the warm process hold before and after."""
    bench = Bench(links[0], project, True)
    links[1].close()
    bench.run(0)
    bench.prepare()
    bench.run(1)
    bench.prepare()
    keeper = bench.link.keeper
    before = _held(keeper)
    for number in range(2, count + 2):
        if not bench.run(number).warm:
            raise SystemExit(f"run {number} was cold")
        bench.prepare()
    after = _held(keeper)
    for name, value in after.items():
        print(f"{name}: {before[name]} before, {value} after {count} warm runs")
    bench.close()


def _held(keeper: int) -> dict[str, object]:
    until = time.monotonic() + 10
    while len(below := _children(keeper)) != 2 and time.monotonic() < until:
        time.sleep(0.05)
    warm = min(below, key=_began)  # before all that were forked from it
    return {
        "processes below the keeper": len(below),
        "descriptors of the keeper": len(os.listdir(f"/proc/{keeper}/fd")),
        "descriptors of the warm process": len(os.listdir(f"/proc/{warm}/fd")),
        "descriptors of this process": len(os.listdir("/proc/self/fd")),
        "the warm process": warm,
        "its memory, MB": round(_resident(warm), 1),
        "memory of the keeper, MB": round(_resident(keeper), 1),
    }


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _began(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """One of the two measurements."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    kind, count = (sys.argv[1:3] + ["pairs", "20"][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as place:
        project = _project(Path(place))
        os.chdir(project)
        links = [start_keeper(), start_keeper()]
        {"pairs": pairs, "endurance": endurance}[kind](links, project, int(count))


if __name__ == "__main__":
    main()
