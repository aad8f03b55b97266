"""All that is known of one operation, as lines and as a screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from recorded import dashboard as shown
from recorded import recorded, settled, text

from itdash.events import model
from itdash.render import operation as draw
from itdash.render.paint import Paint
from itdash.render.spans import plain
from itdash.render.spans import width as wide
from itdash.state import fold
from itdash.state.operations import Operation
from itdash.state.run import RunState
from itdash.views.tui.board import Board
from itdash.views.tui.screens.operation import OperationScreen

if TYPE_CHECKING:
    from pathlib import Path

GLYPHS, ASCII = Paint(False, False), Paint(False, True)
MS = 1_000_000


def state_with(samples: int, most: int = 3) -> tuple[Operation, RunState]:
    """An operation that ran several at a time, in two tests, under two labels, with budgets."""
    state = RunState()
    tests = (model.CollectedCase("t.py::one"), model.CollectedCase("t.py::two"))
    fold.apply(state, model.CasesCollected(0, 0, tests))
    made = state.operations.operations["fetch [red]"] = Operation("fetch [red]")
    for n in range(samples):
        for tally in (made.total, made.labelled((("size", "big" if n % 2 else "small"),))):
            assert tally is not None
            tally.begin(n * MS)
            tally.end((n + most) * MS, most * MS, 3 if n == 0 else 2)
            tally.settle()
    for case in (0, 1):
        share = state.operations._in_case(made, case)
        assert share is not None
        share.count = samples // 2
        share.latency.record(3 * MS)
    verdicts: list[model.BudgetVerdict] = ["kept", "broken", "too few samples"]
    for verdict in verdicts:
        limit = f"p95 < {len(verdict)}ms"
        state.operations.judged(
            model.BudgetJudged(5, 1, made.name, limit, verdict, "time", 3.0 * MS, samples)
        )
    state.t = samples * MS
    return made, state


def lines_of(made: Operation, state: RunState, width: int = 100, paint: Paint = GLYPHS) -> list[str]:
    return [plain(spans) for spans in draw.lines(made, state, state.t, width, 40, paint)]


def test_everything_has_its_part() -> None:
    lines = lines_of(*state_with(40))
    assert lines[0].startswith("n 40  1 error  ")
    assert "1 budget broken" in lines[0]
    titles = [
        "latency", "in flight", "budgets", "latency by how many were in flight at its begin", "by labels",
        "in 2 tests",
    ]  # fmt: skip
    assert [line for line in lines if line in titles] == titles
    assert "p50 3.00ms  p90 3.00ms  p95 3.00ms" in "\n".join(lines)
    assert "p99 needs 100 samples" in "\n".join(lines)
    assert any(line.split()[:2] == ["size=big", "20"] for line in lines)
    assert any(line.split()[:2] == ["t.py::two", "20"] for line in lines)
    assert next(line for line in lines if "p95 <" in line).startswith("✗ p95 < 6ms")


def test_an_operation_without_a_single_end() -> None:
    state = RunState()
    made = state.operations.operations["fetch"] = Operation("fetch")
    made.total.begin(0)
    assert lines_of(made, state)[0] == "n 1  0 errors  1 now  peak 0"


@pytest.mark.parametrize("paint", [GLYPHS, ASCII], ids=["glyphs", "ascii"])
def test_every_width_fits(paint: Paint) -> None:
    made, state = state_with(120)
    for width in range(48, 221, 9):
        drawn = draw.lines(made, state, state.t, width, 40, paint)
        told = [spans for spans in drawn if "t.py::two" not in plain(spans) or "measured" not in plain(spans)]
        assert all(wide(spans) <= max(width, 72) for spans in told)
        assert paint is GLYPHS or all(plain(spans).isascii() for spans in drawn)


def test_every_operation_of_a_recorded_run_can_be_shown() -> None:
    state = fold.replay(recorded("measured"))
    assert state.operations.operations
    for made in state.operations.operations.values():
        for width in (20, 80, 220):
            assert lines_of(made, state, width)


def board_over(state: RunState) -> Board:
    """A board that shows this state as it is."""
    board = Board()
    board.follow(state)
    board.now = state.t
    return board


@pytest.mark.asyncio
async def test_the_screen_shows_it_and_escape_leaves(tmp_path: Path) -> None:
    made, state = state_with(40)
    async with shown([], tmp_path, (100, 30)) as (pilot, _):
        pilot.app.push_screen(OperationScreen(made.name, board_over(state)))
        await settled(pilot)
        seen = await text(pilot)
        assert "fetch [red] (Escape to leave)" in seen
        assert "n 40  1 error" in seen
        await pilot.press("G")
        assert "t.py::two" in await text(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, OperationScreen)


@pytest.mark.asyncio
async def test_an_operation_that_another_run_did_not_measure(tmp_path: Path) -> None:
    async with shown([], tmp_path, (100, 30)) as (pilot, _):
        pilot.app.push_screen(OperationScreen("gone", Board()))
        assert "gone was not measured in this run" in await text(pilot)


@pytest.mark.asyncio
async def test_it_is_drawn_anew_while_the_run_goes_on_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    lines = draw.lines

    def noted(*args: Any) -> Any:
        drawn.append("")
        return lines(*args)

    monkeypatch.setattr(draw, "lines", noted)
    events = recorded("measured")
    async with shown(events[:-1], tmp_path, (100, 30)) as (pilot, session):
        await pilot.press("3", "j", "enter")
        assert isinstance(pilot.app.screen, OperationScreen)
        before = len(drawn)
        async with asyncio.timeout(60):
            while len(drawn) < before + 3:
                await asyncio.sleep(0.05)
        session.play(events[-1:])
        async with asyncio.timeout(60):
            while pilot.app.screen._drawn != session.board.changes:
                await asyncio.sleep(0.05)
        before = len(drawn)
        for _ in range(3):
            pilot.app.screen._renew()
        assert len(drawn) == before
