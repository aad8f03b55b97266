"""The list of runs that are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from recorded import dashboard, settled, text

from itdash.events.journal import SEGMENTS
from itdash.render.paint import Paint
from itdash.render.runs import Kept, line
from itdash.render.spans import plain, width
from itdash.state import fold
from itdash.state.run import RunState
from itdash.views.summary import summary
from itdash.views.tui.screens.runs import Runs, read

if TYPE_CHECKING:
    from pathlib import Path

PAINT = Paint(True, False)


def kept(folder: Path, name: str, content: bytes | None) -> Path:
    """A run that was kept with such a summary."""
    run = folder / name
    (run / SEGMENTS).mkdir(parents=True)
    if content is not None:
        (run / "summary.json").write_bytes(content)
    return run


def summed(**changed: Any) -> bytes:
    """A summary as itdash writes it."""
    made = summary(RunState(), 0, 0) | changed
    return json.dumps(made, separators=(",", ":")).encode()


def test_what_the_summary_of_a_recorded_run_tells(journal: Path, tmp_path: Path) -> None:
    from itdash.events.journal import replay

    state = fold.replay(replay(journal)[0])
    made = summary(state, 0, 0)
    run = kept(tmp_path, "20260101-120000-000cafe", json.dumps(made, separators=(",", ":")).encode())
    told = read(run)
    assert not told.problem
    assert told.verdict == made["verdict"]
    assert told.counts == made["outcomes"]
    assert told.nanoseconds == round(made["duration"] * 1e9)


def test_only_the_head_of_a_long_summary_is_read(tmp_path: Path) -> None:
    cut_in_the_tests = summed(verdict="passed", outcomes={"passed": 2}, cases=[{"id": "a" * 100_000}])[
        :90_000
    ]
    told = read(kept(tmp_path, "20260101-120000-000cafe", cut_in_the_tests))
    assert (told.verdict, told.problem) == ("passed", "")


def test_a_head_that_is_longer_than_usual_is_read_too(tmp_path: Path) -> None:
    told = read(
        kept(tmp_path, "20260101-120000-000cafe", summed(reason='","cases":[' * 10_000, verdict="failed"))
    )
    assert (told.verdict, told.problem) == ("failed", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"verdict": 3}',
        b'{"started": 1e300, "duration": 1, "verdict": "passed", "outcomes": {}}',
    ],
)
def test_a_summary_that_tells_nothing_is_shown_as_such(content: bytes, tmp_path: Path) -> None:
    told = read(kept(tmp_path, "20260101-120000-000cafe", content))
    assert "its summary cannot be read" in told.problem
    assert "cannot be read" in plain(line(told, 80, PAINT))


def test_a_run_without_a_summary_was_cut_off(tmp_path: Path) -> None:
    assert "cut off" in read(kept(tmp_path, "20260101-120000-000cafe", None)).problem


@pytest.mark.parametrize("room", [20, 60, 100])
def test_a_line_fits(room: int) -> None:
    told = Kept("2026-01-01 12:00:00", "failed", {"passed": 1204, "failed": 3, "crashed": 1}, 12_400_000_000)
    assert width(line(told, room, PAINT)) == room
    assert width(line(Kept("2026-01-01 12:00:00", problem="x" * 200), room, PAINT)) == room


def test_a_line_tells_what_happened() -> None:
    told = Kept("2026-01-01 12:00:00", "failed", {"passed": 1204, "failed": 3, "skipped": 0}, 12_400_000_000)
    assert plain(line(told, 72, PAINT)).split() == [
        "2026-01-01", "12:00:00", "✗", "failed", "1,204", "passed", "3", "failed", "12.4s",
    ]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_the_newest_stands_first_and_one_is_given(key: str, tmp_path: Path) -> None:
    base = tmp_path / "runs"
    names = [f"2026010{day}-120000-000cafe" for day in (1, 2, 3)]
    folders = [kept(base, name, summed(verdict="passed")) for name in names]
    (base / "notes").mkdir()
    given: list[Path | None] = []
    async with dashboard([], tmp_path, (100, 30)) as (pilot, _):
        pilot.app.push_screen(Runs(base, running=folders[2]), given.append)
        await settled(pilot)
        rows = [row for row in (await text(pilot)).splitlines() if "2026-01-0" in row]
        assert [row.split("2026-01-0")[1][0] for row in rows] == ["3", "2", "1"]
        assert "running" in rows[0]
        assert "passed" in rows[1]
        await pilot.press("down", key)
        await settled(pilot)
    assert given == ([folders[1]] if key == "enter" else [None])


@pytest.mark.asyncio
async def test_only_runs_that_are_seen_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from itdash.views.tui.screens import runs as screen

    base = tmp_path / "runs"
    for number in range(300):
        kept(base, f"20260101-{number:06d}-000cafe", None)
    seen: list[Path] = []

    def noted(folder: Path) -> Kept:
        seen.append(folder)
        return read(folder)

    monkeypatch.setattr(screen, "read", noted)
    async with dashboard([], tmp_path, (100, 30)) as (pilot, _):
        pilot.app.push_screen(Runs(base))
        await settled(pilot)
        assert 0 < len(seen) <= 30
        await pilot.press("G")
        await settled(pilot)
        assert "20260101-000000-000cafe" in {folder.name for folder in seen}
        assert len(seen) <= 60


@pytest.mark.asyncio
async def test_without_runs_it_says_so(tmp_path: Path) -> None:
    given: list[Path | None] = []
    async with dashboard([], tmp_path, (100, 30)) as (pilot, _):
        pilot.app.push_screen(Runs(tmp_path / "runs"), given.append)
        await settled(pilot)
        assert "no run is kept yet" in await text(pilot)
        await pilot.press("enter", "escape")
        await settled(pilot)
    assert given == [None]
