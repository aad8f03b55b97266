"""The screen of one test: its sections, other failures without leaving, texts from their files."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest
from recorded import dashboard, recorded, text

from itdash.events import model
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.screens.inspect import Inspect, open_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from recorded import Recorded
    from textual.pilot import Pilot

pytestmark = pytest.mark.asyncio


def app_of(pilot: Pilot[int]) -> ItdashApp:
    assert isinstance(pilot.app, ItdashApp)
    return pilot.app


@asynccontextmanager
async def inspected(
    name: str, test: str, folder: Path, size: tuple[int, int] = (100, 40), more: Sequence[model.AnyEvent] = ()
) -> AsyncIterator[tuple[Pilot[int], Inspect, Recorded]]:
    """A test of a recorded run on the screen."""
    async with dashboard([*recorded(name), *more], folder, size) as (pilot, session):
        app = app_of(pilot)
        run = folder / "runs" / "20260101-120000-cafe"
        (run / "segments").mkdir(parents=True)
        session.board.folder = run
        tests = app.dashboard.tests
        (node,) = (node for node in session.board.outline.tests.values() if node.name == test)
        tests.go_to(node)
        open_for(app, app.board, tests)
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, Inspect)
        yield pilot, screen, session


@pytest.mark.parametrize("size", [(80, 24), (140, 44), (220, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "test", "words"),
    [
        ("mixed", "test_fails", ["✗ failed", "[1 Failure]", ">", "they differ"]),
        ("mixed", "test_prints", ["✓ passed", "[5 Stages]", "setup", "call", "teardown"]),
        ("crashes", "test_hangs", ["☠ timed out", "[1 Failure]", "in test_hangs"]),
        ("measured", "test_five_at_once", ["[3 Measured]", "scrape", "peak == 5", "kept"]),
    ],
)
async def test_a_test_opens_with_what_says_most(
    name: str, test: str, words: list[str], size: tuple[int, int], tmp_path: Path
) -> None:
    async with inspected(name, test, tmp_path, size) as (pilot, _, _session):
        shown = await text(pilot)
        assert [word for word in words if word not in shown] == []
        assert test in shown.splitlines()[0]


async def test_sections_are_reached_by_number_and_by_tab_round_and_round(tmp_path: Path) -> None:
    async with inspected("mixed", "test_fails", tmp_path) as (pilot, screen, _):
        for place, name in enumerate(("Failure", "Output", "Measured", "Requirements"), 1):
            await pilot.press(str(place))
            assert f"[{place} {name}" in await text(pilot)
        await pilot.press("shift+tab")
        assert screen.section == 2
        await pilot.press("7", "tab")
        assert screen.section == 0
        await pilot.press("2")
        assert "nothing was captured" in await text(pilot)


async def test_another_failure_is_reached_without_leaving_and_the_dashboard_follows(tmp_path: Path) -> None:
    async with inspected("mixed", "test_fails", tmp_path) as (pilot, screen, session):
        seen = [screen.node.name]
        for _ in session.board.outline.failing():
            await pilot.press("J")
            seen.append(screen.node.name)
        assert seen[0] == seen[-1]  # round and round
        assert len(set(seen)) == len(session.board.outline.failing())
        await pilot.press("K")
        assert screen.node.name == seen[-2]
        assert seen[-2] in (await text(pilot)).splitlines()[0]
        await pilot.press("escape")
        app = app_of(pilot)
        assert app.screen is app.dashboard
        assert app.dashboard.tests.node is screen.node


async def test_a_branch_opens_its_first_failure(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        app = app_of(pilot)
        (node,) = (node for node in session.board.outline.tests.values() if node.name == "test_passes")
        assert node.parent is not None
        app.dashboard.tests.go_to(node.parent)
        open_for(app, app.board, app.dashboard.tests)
        await pilot.pause()
        assert isinstance(app.screen, Inspect)
        assert app.screen.node.name == "test_fails"


async def test_what_it_printed_stands_as_text(tmp_path: Path) -> None:
    async with inspected("mixed", "test_prints", tmp_path) as (pilot, _, _session):
        await pilot.press("2")
        shown = await text(pilot)
        assert [
            line
            for line in ("stdout in call", "to stdout", "stderr in call", "to stderr")
            if line not in shown
        ] == []


def cut_text(case: int, file: str) -> list[model.AnyEvent]:
    detail = {
        "longrepr": "E   x",
        "stdout": "head",
        "whole": {"stdout": {"file": file, "characters": 99_999}},
    }
    raw = msgspec.Raw(msgspec.json.encode(detail))
    at = 10**12
    return [
        model.CaseStarted(at, case),
        model.StageFinished(at + 1, case, "call", "failed", 5, "failed", raw),
        model.CaseFinished(at + 2, case),
    ]


def number_of(test: str) -> int:
    from itdash.state import fold

    state = fold.replay(recorded("mixed"))
    (number,) = (number for number, id in state.ids.items() if id.endswith(f"::{test}"))
    return number


async def test_the_whole_of_a_text_is_paged_from_its_file(tmp_path: Path) -> None:
    more = cut_text(number_of("test_fails"), "output/it.txt")
    async with inspected("mixed", "test_fails", tmp_path, more=more) as (pilot, screen, session):
        assert session.board.folder is not None
        (session.board.folder / "output").mkdir()
        file = session.board.folder / "output" / "it.txt"
        file.write_text("".join(f"row {number} \x1b[31m\n" for number in range(9_000)))
        await pilot.press("2")
        assert "99,999 characters" in await text(pilot)
        await pilot.press("w")
        shown = await text(pilot)
        assert "row 0 \\x1b[31m" in shown and "9,000 lines" in shown and "output/it.txt" in shown
        await pilot.press("G")
        assert "row 8999" in await text(pilot)
        await pilot.press("escape")
        assert "head" in await text(pilot)
        assert app_of(pilot).screen is screen
        file.unlink()
        await pilot.press("w")
        assert "head" in await text(pilot)
        assert "cannot be read" in [note.message for note in app_of(pilot)._notifications][-1]


async def test_history_has_the_kept_runs_and_the_one_on_the_screen(tmp_path: Path) -> None:
    async with inspected("mixed", "test_fails", tmp_path) as (pilot, screen, _):
        run = tmp_path / "runs" / "20251231-000000-old"
        (run / "segments").mkdir(parents=True)
        case = {"id": screen.node.id, "suite": "x", "outcome": "passed", "duration": 0.5, "attempts": 1}
        summary = {"started": 1.0, "cases": [case]}
        (run / "summary.json").write_text(json.dumps(summary, separators=(",", ":")))
        await pilot.press("6")
        await app_of(pilot).workers.wait_for_complete()
        shown = await text(pilot)
        assert "✓ ✗" in shown and "2 runs" in shown and "500ms" in shown


async def test_a_test_that_runs_again_is_followed(tmp_path: Path) -> None:
    async with inspected("mixed", "test_passes", tmp_path) as (pilot, screen, session):
        assert "✓ passed" in await text(pilot)
        number = number_of("test_passes")
        start, stage, end = cut_text(number, "")
        session.play([start])
        screen.renew()
        assert "● running" in (await text(pilot)).splitlines()[0]
        session.play([stage, end])
        screen.renew()
        assert "✗ failed" in (await text(pilot)).splitlines()[0]
        await pilot.press("r")
        assert [request.only for request in session.asked] == [frozenset({screen.node.id})]
