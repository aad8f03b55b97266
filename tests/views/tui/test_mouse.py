"""What the wheel and clicks do, in each panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recorded import dashboard, recorded, settled, text
from textual import events

from itdash.events import model
from itdash.views.tui.app import ItdashApp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.widget import Widget

pytestmark = pytest.mark.asyncio

Wheel = type[events.MouseScrollUp] | type[events.MouseScrollDown]
UP, DOWN = events.MouseScrollUp, events.MouseScrollDown


def app_of(pilot: Pilot[int]) -> ItdashApp:
    """The app, as what it is."""
    assert isinstance(pilot.app, ItdashApp)
    return pilot.app


async def turn(pilot: Pilot[int], widget: Widget, way: Wheel, times: int = 1) -> None:
    """Turn the wheel over the middle of a widget."""
    x, y = widget.region.center
    for _ in range(times):
        pilot.app.post_message(way(None, x, y, 0, 0, 0, False, False, False, x, y))
        await settled(pilot)


def many(tests: int, until: int = -1) -> Sequence[model.AnyEvent]:
    """A run of so many tests that pass, or one that stands within one of them."""
    rows = tuple(model.CollectedCase(f"tests/test_it.py::test_{n}") for n in range(tests))
    made: list[model.AnyEvent] = [
        model.RunStarted(0, model.SCHEMA, "run", 0.0, "/p", "/p", (), "0", "3", "linux"),
        model.ProcessStarted(1, 1, 1, ()),
        model.CasesCollected(2, 0, rows),
        model.CollectionFinished(3, tests),
    ]
    for n in range(tests):
        made.append(model.CaseStarted(10 * n + 10, n))
        if n == until:
            break
        made += [model.StageFinished(10 * n + 11, n, "call", "passed", 1, "passed")]
        made += [model.CaseFinished(10 * n + 12, n)]
    return made


async def test_the_wheel_scrolls_the_tests_and_leaves_the_cursor(tmp_path: Path) -> None:
    async with dashboard(many(150), tmp_path) as (pilot, _):
        tests = app_of(pilot).dashboard.tests
        await pilot.press("g")
        await text(pilot)
        await turn(pilot, tests, DOWN, 4)
        below = tests.scroll_offset.y
        assert below > 0
        assert tests.cursor == 0
        assert "test_0 " not in await text(pilot)
        await turn(pilot, tests, UP, 1)
        assert 0 < tests.scroll_offset.y < below
        await turn(pilot, tests, UP, 9)
        assert tests.scroll_offset.y == 0


async def test_the_wheel_keeps_the_tests_from_following_the_run(tmp_path: Path) -> None:
    async with dashboard(many(150, until=90), tmp_path) as (pilot, session):
        tests = app_of(pilot).dashboard.tests
        assert tests.following
        await turn(pilot, tests, UP)
        top = tests.scroll_offset.y
        session.play([model.CaseFinished(10_000, 90), model.CaseStarted(10_001, 140)])
        await settled(pilot)
        assert tests.scroll_offset.y == top


async def test_the_wheel_scrolls_the_panel_under_the_mouse_alone(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        screen = app_of(pilot).dashboard
        await pilot.press("J")
        await settled(pilot)
        top = screen.tests.scroll_offset.y
        await turn(pilot, screen.detail, DOWN, 2)
        assert screen.detail.scroll_offset.y > 0
        assert screen.tests.scroll_offset.y == top
        assert screen.focused is screen.tests


async def test_the_wheel_goes_through_the_lanes_of_the_timeline(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, (220, 60)) as (pilot, _):
        timeline = app_of(pilot).dashboard.timeline
        await text(pilot)
        await turn(pilot, timeline, DOWN, 2)
        assert timeline.row == 2
        await turn(pilot, timeline, UP, 5)
        assert timeline.row == 0
