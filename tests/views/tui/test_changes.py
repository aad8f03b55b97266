"""What a run changed, from within the dashboard."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from recorded import JOURNALS, dashboard, recorded, settled, text

from itdash.views.tui.screens.changes import Changes

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

pytestmark = pytest.mark.asyncio

OLD, NEW = "20260101-100000-000aaaa", "20260101-110000-000bbbb"


async def until(pilot: Pilot[int], kind: type) -> None:
    """Wait until such a screen is open."""
    while not isinstance(pilot.app.screen, kind):
        await pilot.pause(0.01)


async def test_a_run_is_held_against_the_one_before(tmp_path: Path) -> None:
    for name in (OLD, NEW):
        shutil.copytree(JOURNALS / "mixed", tmp_path / ".itdash" / "runs" / name)
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        session.board.folder = tmp_path / ".itdash" / "runs" / NEW
        await pilot.press("C")
        await until(pilot, Changes)
        shown = await text(pilot)
        assert OLD in shown
        assert NEW in shown
        assert "Failing still" in shown
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, Changes)


async def test_there_may_be_nothing_to_compare_with(tmp_path: Path) -> None:
    shutil.copytree(JOURNALS / "mixed", tmp_path / ".itdash" / "runs" / NEW)
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        await pilot.press("C")
        assert "not over" in [note.message for note in pilot.app._notifications][-1]
        session.board.folder = tmp_path / ".itdash" / "runs" / NEW
        await pilot.press("C")
        while len(pilot.app._notifications) < 2:
            await pilot.pause(0.01)
        await settled(pilot)
        assert "no run before" in [note.message for note in pilot.app._notifications][-1]
