"""Watch mode in the dashboard: saves make runs, mistakes stand in the first line, and what failed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recorded import dashboard, recorded, text

from itdash.events import model
from itdash.views.tui.app import ItdashApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

pytestmark = pytest.mark.asyncio


async def until(pilot: Pilot[int], condition: Callable[[], object]) -> None:
    """Let the app go on until something is so."""
    app = pilot.app
    assert isinstance(app, ItdashApp)
    while not condition():
        app.tick()
        await pilot.pause(0.01)


async def header(pilot: Pilot[int]) -> str:
    """The first line."""
    return (await text(pilot)).splitlines()[0]


async def test_a_save_makes_a_run_as_long_as_somebody_watches(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("def test_it(): pass\n")
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        app = pilot.app
        assert isinstance(app, ItdashApp)
        assert "watching" not in await header(pilot)
        await pilot.press("w")
        await until(pilot, lambda: app.saves is not None and app.saves.rounds.watcher.ready)
        assert "watching" in await header(pilot)
        save(test, "def test_it(): assert 1\n")
        await until(pilot, lambda: session.asked)
        await until(pilot, lambda: any("test_it.py saved" in note.message for note in app._notifications))
        await pilot.press("w")
        assert app.saves is None
        assert "watching" not in await header(pilot)


def save(path: Path, text: str) -> None:
    """As editors do: the file is never seen half written."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)


async def test_a_file_that_is_no_python_stands_in_the_first_line(tmp_path: Path) -> None:
    file = tmp_path / "conftest.py"
    save(file, "x = 1\n")
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        app = pilot.app
        assert isinstance(app, ItdashApp)
        await pilot.press("w")
        await until(pilot, lambda: app.saves is not None and app.saves.rounds.watcher.ready)
        save(file, "x = (\n")
        await until(pilot, lambda: app.saves is not None and app.saves.problems)
        shown = await header(pilot)
        assert "conftest.py, line 1" in shown
        assert "before" in shown, "the verdict is that of other files"
        assert session.asked == []
        save(file, "x = 22\n")
        await until(pilot, lambda: app.saves is not None and not app.saves.problems)
        assert "line 1" not in await header(pilot)


async def test_what_failed_in_an_earlier_run_is_told_beside_one_that_passed(tmp_path: Path) -> None:
    async with dashboard([], tmp_path) as (pilot, session):
        rows = (model.CollectedCase("t.py::bad"), model.CollectedCase("t.py::good"))
        started = model.ProcessStarted(1, 1, 1, ())
        first: list[model.AnyEvent] = [
            started, model.CasesCollected(2, 0, rows), model.CollectionFinished(3, 2),
            model.CaseStarted(4, 0), model.StageFinished(5, 0, "call", "failed", 1, "failed"),
            model.CaseFinished(6, 0), model.CaseStarted(7, 1), model.CaseFinished(8, 1),
            model.RunFinished(9, "failed", 1),
        ]  # fmt: skip
        session.play(first)
        assert "1 failing" in await header(pilot)
        session.playing = type(session.playing)()
        second: list[model.AnyEvent] = [
            started, model.CasesDeselected(2, 1), model.CasesCollected(2, 0, rows[1:]),
            model.CollectionFinished(3, 1), model.CaseStarted(4, 0),
            model.StageFinished(5, 0, "call", "passed", 1, "passed"), model.CaseFinished(6, 0),
            model.RunFinished(7, "passed", 0),
        ]  # fmt: skip
        session.play(second)
        shown = await header(pilot)
        assert "1 failing before" in shown
        assert "failing still" in shown
        assert "passed" not in shown
