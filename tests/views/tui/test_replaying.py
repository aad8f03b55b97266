"""The screen over a recording: what it shows at each moment, and the keys that move it."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from recorded import JOURNALS, dashboard, text

from itdash.config import Config, Loaded
from itdash.events import model
from itdash.events.journal import replay
from itdash.history.playback import SPEEDS, Playback
from itdash.history.player import Player
from itdash.render.paint import Paint
from itdash.render.spans import width as wide
from itdash.render.transport import line
from itdash.session import Terms
from itdash.views.tui.replaying import ReplayApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from textual.pilot import Pilot

    from itdash.events.model import AnyEvent


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


@asynccontextmanager
async def playing(
    events: Sequence[AnyEvent], folder: Path, size: tuple[int, int] = (140, 44)
) -> AsyncIterator[tuple[Pilot[int], Playback, Clock]]:
    """The real app over a recording, and the clock by which it plays."""
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    clock = Clock()
    playback = Playback(Player(events), clock=clock)
    terms = Terms(folder, folder, ())
    app = ReplayApp(playback, folder, Loaded(Config(), folder, {}), terms, Paint(True, False), lambda _: ())
    async with app.run_test(size=size) as pilot:
        yield pilot, playback, clock


async def shown(pilot: Pilot[int]) -> list[str]:
    """The lines on the screen, once what was asked for is played and drawn."""
    app = pilot.app
    assert isinstance(app, ReplayApp)
    for _ in range(2):
        app.tick()
    return (await text(pilot)).splitlines()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["mixed", "crashes", "measured", "workers"])
async def test_at_its_end_a_replay_shows_the_run(name: str, tmp_path: Path) -> None:
    events, _ = replay(JOURNALS / name)
    async with dashboard(events, tmp_path, (140, 43)) as (pilot, _session):
        run = (await text(pilot)).splitlines()
    async with playing(events, tmp_path) as (pilot, playback, clock):
        clock.ns = playback.player.length
        told = await shown(pilot)
    assert told[:-1] == run


@pytest.mark.asyncio
async def test_it_plays_by_the_clock_and_can_be_held_and_turned_back(tmp_path: Path) -> None:
    events, _ = replay(JOURNALS / "mixed")
    moments = [event.t for event in events if isinstance(event, model.CaseFinished)]
    async with playing(events, tmp_path) as (pilot, playback, clock):
        clock.ns = moments[2]
        assert " 3/" in (await shown(pilot))[0]
        await pilot.press("space")
        clock.ns = moments[-1]
        assert " 3/" in (await shown(pilot))[0], "it is held"
        await pilot.press("full_stop", "full_stop")
        later = (await shown(pilot))[0]
        assert " 4/" in later
        await pilot.press("comma", "comma", "comma", "comma")
        assert " 2/" in (await shown(pilot))[0]
        await pilot.press("left_square_bracket")
        assert playback.player.at == 0
        await pilot.press("space", "greater_than_sign")
        assert (playback.playing, playback.speed) == (True, 2.0)
        clock.ns += moments[2] // 2 + 1
        assert " 3/" in (await shown(pilot))[0], "twice as fast"


@pytest.mark.asyncio
async def test_it_goes_to_where_the_chosen_test_began(tmp_path: Path) -> None:
    events, _ = replay(JOURNALS / "mixed")
    async with playing(events, tmp_path) as (pilot, playback, clock):
        clock.ns = playback.player.length
        await shown(pilot)
        await pilot.press("J", "p")
        await shown(pilot)
        app = pilot.app
        assert isinstance(app, ReplayApp)
        node = app.dashboard.tests.node
        assert node is not None
        assert playback.player.at == playback.player.start_of(node.id) < playback.player.length


@pytest.mark.asyncio
async def test_nothing_is_run_and_leaving_is_no_failure(tmp_path: Path) -> None:
    events, _ = replay(JOURNALS / "mixed")
    async with playing(events, tmp_path) as (pilot, playback, clock):
        clock.ns = playback.player.length
        await shown(pilot)
        await pilot.press("a")
        assert "runs no tests" in [note.message for note in pilot.app._notifications][-1]
        await pilot.press("f", "r", "s", "S", "question_mark", "G")
        assert any("hold the recording" in told for told in await shown(pilot))
        await pilot.press("escape", "q")
    assert pilot.app.return_value == 0


@pytest.mark.asyncio
async def test_an_empty_recording_can_be_looked_at(tmp_path: Path) -> None:
    async with playing([], tmp_path, (80, 24)) as (pilot, _, _clock):
        await pilot.press("space", "full_stop", "comma", "p", "right_square_bracket")
        assert "00:00" in (await shown(pilot))[-1]


@pytest.mark.parametrize("width", [10, 20, 40, 80, 140, 220])
@pytest.mark.parametrize("at", [0, 30, 100])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_line_fits(width: int, at: int, ascii_only: bool) -> None:
    keys = [("Space", "hold"), (".", "step"), (">", "faster")]
    drawn = line(at * 10**9, 100 * 10**9, 4.0, True, keys, width, Paint(False, ascii_only))
    told = "".join(piece for _, piece in drawn)
    assert "4x" in told
    assert told.isascii() or not ascii_only
    if width >= 40:
        assert wide(drawn) == width
        assert "01:40" in told


def test_speeds_have_ends() -> None:
    playback = Playback(Player([model.NoteAdded(10**9, "x")]), clock=Clock())
    for _ in range(20):
        playback.faster(up=True)
    assert playback.speed == SPEEDS[-1]
    for _ in range(20):
        playback.faster(up=False)
    assert playback.speed == SPEEDS[0]


def test_a_change_of_speed_moves_nothing_and_the_end_begins_anew() -> None:
    clock = Clock()
    playback = Playback(Player([model.NoteAdded(10**9, "x")]), clock=clock)
    clock.ns = 400_000_000
    playback.faster(up=True)
    playback.advance()
    assert playback.player.at == 400_000_000
    clock.ns += 300_000_000
    playback.advance()
    assert (playback.player.at, playback.playing) == (10**9, False)
    playback.hold()
    playback.advance()
    assert (playback.player.at, playback.playing) == (0, True)
