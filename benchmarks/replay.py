"""A replay at full speed beside the fold, and what kills leave: `benchmarks/replay.py [RUNS] [KILLS]`."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import export
import timing

from itdash.history import recorded
from itdash.history.player import Player
from itdash.render.paint import Paint
from itdash.state import fold
from itdash.views.ci import CiView
from itdash.views.replay import play

_TESTS = """
import time, pytest
from itdash import probe

@pytest.mark.parametrize("n", range(400))
def test_it(n):
    with probe.operation("io"):
        time.sleep(0.002)
    assert n % 50 != 49
"""
_MOST = 2.0


def replays(folder: Path, runs: int) -> dict[str, list[float]]:
    """Seconds of the fold alone, of a replay that nobody looks at, and of one as lines, in turn."""
    found = recorded.read(folder)
    took: dict[str, list[float]] = {"fold": [], "replay": [], "replay as lines": []}

    def timed(name: str, work: object) -> None:
        gc.collect()
        began = time.perf_counter()
        work()  # type: ignore[operator]
        took[name].append(time.perf_counter() - began)

    def silent() -> None:
        player = Player(found.events)
        while not player.over:
            player.to(player.at + 50_000_000)

    def lines() -> None:
        with open(os.devnull, "w") as null:
            view = CiView(null, Paint(False, False), 5, 10, False)
            play(found, Player(found.events), view, folder, folder, 0)

    for _ in range(runs):
        timed("fold", lambda: fold.replay(found.events))
        timed("replay", silent)
        timed("replay as lines", lines)
    return took


def kill_one(project: Path, whom: str) -> tuple[int, int]:
    """Kill a run at a random moment: how many ends of tests are recorded, and how many the export lacks."""
    launch = [sys.executable, "-m", "itdash", "launch", "--headless"]
    null = subprocess.DEVNULL
    run = subprocess.Popen(
        launch, cwd=project, env=timing.environment(), stdin=null, stdout=null, stderr=null
    )
    time.sleep(random.uniform(0.05, _MOST))
    if whom == "itdash":
        run.kill()
    else:
        for child in _below(run.pid):
            command = Path(f"/proc/{child}/cmdline")
            if command.exists() and b"boot.py" in command.read_bytes():
                os.kill(child, signal.SIGKILL)
    run.wait()
    time.sleep(0.3)  # the keeper ends what is left
    folder = max((project / ".itdash" / "runs").iterdir(), key=lambda path: path.name)
    ids: dict[int, str] = {}
    for event in _lines(folder):
        if event["kind"] == "CasesCollected":
            ids.update((number, row[0]) for number, row in enumerate(event["cases"], event["first"]))
    ended = {ids[event["case"]] for event in _lines(folder) if event["kind"] == "CaseFinished"}
    out = project / "export.json"
    subprocess.run(
        [sys.executable, "-m", "itdash", "export", folder.name, "-o", str(out)],
        cwd=project, env=timing.environment(), check=True, stdout=null,
    )  # fmt: skip
    told = {case["id"] for case in json.loads(out.read_text())["cases"] if case["attempts"]}
    lacking = len(ended - told)
    return len(ended), lacking


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of all segments, read by nothing of ours."""
    found = []
    for path in (folder / "segments").glob("*.jsonl"):
        data = path.read_bytes()
        found += [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
    return found


def _below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_below(int(child))]
    return found


def main(runs: int, kills: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "20260101-000000-aaaa"
        export.record(folder)
        took = replays(folder, runs)
        for name in ("replay", "replay as lines"):
            pairs = timing.ratios(took[name], took["fold"])
            print(
                f"{name:<18} {statistics.median(took[name]):.3f} s, against the fold alone "
                f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"
            )
        project = Path(place) / "project"
        project.mkdir()
        (project / "test_it.py").write_text(_TESTS)
        ended = lacking = 0
        for number in range(kills):
            one, other = kill_one(project, "itdash" if number % 2 else "pytest")
            ended, lacking = ended + one, lacking + other
        print(f"{kills} kills: {ended:,} ends of tests in the journals, {lacking} lacking in the exports")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 20)
