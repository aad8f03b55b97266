"""With `ascii` nothing is drawn that is not ASCII, on any screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from recorded import JOURNALS, dashboard, recorded, settled, text

from itdash.config import Config, SuiteConfig
from itdash.events.journal import SEGMENTS
from itdash.runner.command import Request
from itdash.session import Terms
from itdash.views.tui import themes
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.screens.ask import Ask
from itdash.views.tui.screens.help import Help
from itdash.views.tui.screens.options import Options
from itdash.views.tui.screens.runs import Runs
from itdash.views.tui.screens.themes import Themes

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.screen import Screen

pytestmark = pytest.mark.asyncio

SUITES = (SuiteConfig("api", ("tests",), "The service", {"smoke": "mark:smoke"}),)
CONFIG = Config(ascii=True, suites=SUITES)
PLAIN = [name for name in ("measured", "crashes", "workers", "uncollected") if (JOURNALS / name).is_dir()]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without a past."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


async def odd(pilot: Pilot[int]) -> set[str]:
    """What is drawn and is not ASCII; where there is such a thing, the line too."""
    return {line for line in (await text(pilot)).splitlines() if any(ord(char) > 126 for char in line)}


@pytest.mark.parametrize("size", [(80, 24), (220, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PLAIN)
async def test_the_dashboard(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    events = recorded(name)
    async with dashboard(events, tmp_path, size, ascii_only=True, config=CONFIG) as (pilot, _):
        assert not await odd(pilot)
        app = pilot.app
        assert isinstance(app, ItdashApp)
        app.dashboard.settle()
        assert not await odd(pilot)
        for keys in (
            ("z",),
            ("z", "2", "z"),
            ("z", "7"),
            ("slash", "a"),
            ("escape", "x", "J", "v"),
            ("space",),
        ):
            await pilot.press(*keys)
            assert not await odd(pilot), keys


@pytest.mark.parametrize("key", ["i", "enter", "question_mark", "ctrl+p", "c", "b", "ctrl+t"])
async def test_what_a_key_opens(key: str, tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, (100, 30), ascii_only=True, config=CONFIG) as (
        pilot,
        _,
    ):
        await pilot.press("j", "j", "j", key)
        assert not await odd(pilot)
        await pilot.press("tab", "tab")
        assert not await odd(pilot)


async def test_what_covers_it(tmp_path: Path) -> None:
    (tmp_path / "runs" / "20260101-120000-000cafe" / SEGMENTS).mkdir(parents=True)
    async with dashboard(recorded("measured"), tmp_path, (80, 24), ascii_only=True, config=CONFIG) as (
        pilot,
        _,
    ):
        app = pilot.app
        assert isinstance(app, ItdashApp)
        app.notify("something happened", title="a title", severity="error")
        assert not await odd(pilot)
        terms = Terms(tmp_path, tmp_path, ("itdash", "launch"))
        screens: list[Screen[Any]] = [
            Ask("Leave?"), Help(), Runs(tmp_path / "runs"),
            Themes(list(themes.load(tmp_path)[0].values()), app.theme),
            Options(Request(suites=("gone",)), CONFIG, app.loaded, terms, app.paint),
        ]  # fmt: skip
        for screen in screens:
            app.push_screen(screen)
            await settled(pilot)
            assert app.screen is screen
            assert not await odd(pilot), type(screen).__name__
            app.pop_screen()
