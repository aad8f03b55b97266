"""The dashboard in each state that a run can be in, and what its keys do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from recorded import dashboard, recorded, settled, text
from textual.color import Color
from textual.events import Key

from itdash.config import Config
from itdash.events import model
from itdash.state import fold
from itdash.views.tui import keymap, theme_file, themes
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.screens.dashboard import Dashboard
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot

pytestmark = pytest.mark.asyncio

SIZES = [(80, 24), (140, 44), (220, 60)]


def upto(events: Sequence[model.AnyEvent], kind: type) -> list[model.AnyEvent]:
    """The events before the first of a kind."""
    place = next(place for place, event in enumerate(events) if isinstance(event, kind))
    return list(events[:place])


def app_of(pilot: Pilot[int]) -> ItdashApp:
    """The app, as what it is."""
    assert isinstance(pilot.app, ItdashApp)
    return pilot.app


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["mixed", "crashes", "measured"])
async def test_a_run_that_is_over(
    name: str, size: tuple[int, int], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    async with dashboard(recorded(name), tmp_path, size) as (pilot, _):
        app_of(pilot).dashboard.settle()
        assert await text(pilot) == snapshot


@pytest.mark.parametrize("name", ["uncollected", "nothing", "workers"])
async def test_other_ends(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with dashboard(recorded(name), tmp_path, (100, 30)) as (pilot, _):
        app_of(pilot).dashboard.settle()
        assert await text(pilot) == snapshot


async def test_before_the_first_event(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with dashboard([], tmp_path, (100, 30)) as (pilot, _):
        assert await text(pilot) == snapshot


async def test_while_tests_are_collected(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    events = upto(recorded("mixed"), model.CasesCollected)
    events.append(model.CollectionProgressed(events[-1].t + 1, 1234))
    async with dashboard(events, tmp_path, (100, 30)) as (pilot, _):
        shown = await text(pilot)
        assert "1,234 tests found" in shown
        assert "collecting" in shown
        assert shown == snapshot


async def test_a_test_that_runs_is_followed_with_its_age(tmp_path: Path) -> None:
    events = recorded("crashes")
    ids = fold.replay(events).ids
    hanging = next(
        place
        for place, event in enumerate(events)
        if isinstance(event, model.CaseStarted) and ids[event.case].endswith("test_hangs")
    )
    now = events[hanging].t + 700_000_000
    async with dashboard(events[: hanging + 1], tmp_path, now=now) as (pilot, _):
        shown = await text(pilot)
        assert re.search(r"● test_hangs +700ms", shown)
        node = app_of(pilot).dashboard.tests.node
        assert node is not None
        assert node.name == "test_hangs"


async def test_one_failure_among_many_is_found_with_one_key(tmp_path: Path) -> None:
    rows = tuple(model.CollectedCase(f"tests/test_{n % 50}.py::test_{n}") for n in range(5_000))
    events: list[model.AnyEvent] = [*upto(recorded("mixed"), model.CasesCollected)]
    events += [model.CasesCollected(1, 0, rows), model.CollectionFinished(2, len(rows))]
    for number in range(5_000):
        word = "failed" if number == 4_321 else "passed"
        events += [
            model.CaseStarted(3, number),
            model.StageFinished(4, number, "setup", "passed", 1),
            model.StageFinished(5, number, "call", word, 10, word),
            model.StageFinished(6, number, "teardown", "passed", 1),
            model.CaseFinished(7, number),
        ]
    async with dashboard(events, tmp_path, (80, 24)) as (pilot, _):
        assert "1 failing" in await text(pilot)
        assert "test_4321" not in await text(pilot)
        await pilot.press("J")
        assert re.search(r"✗ test_4321\b", await text(pilot))


async def test_words_and_their_opposite_narrow_the_tests(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        await pilot.press("slash", *"fail", "space", "exclamation_mark", *"twice", "enter")
        shown = await text(pilot)
        names = [node.name for node in app_of(pilot).dashboard.tests.browse.rows]
        assert "test_fails" in names
        assert "test_fails_twice" not in names
        assert "test_skipped" not in names
        assert "/fail !twice" in shown
        await pilot.press("escape")
        assert "test_skipped" in await text(pilot)


async def test_a_state_alone_is_shown(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        await pilot.press("v")
        shown = await text(pilot)
        assert "test_fails_twice" in shown
        assert "test_passes" not in shown


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("f", {"tests/test_measured.py::test_too_slow"}),
        ("J r", {"tests/test_measured.py::test_too_slow"}),
        ("a", None),
        ("g x X J enter", {"tests/test_measured.py::test_too_slow"}),
        (
            "J k x x r",
            {"tests/test_measured.py::test_five_at_once", "tests/test_measured.py::test_too_slow"},
        ),
    ],
)
async def test_what_keys_run(keys: str, expected: set[str] | None, tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path) as (pilot, session):
        await pilot.press(*keys.split())
        await settled(pilot)
        (asked,) = session.asked
        assert asked.only == (None if expected is None else frozenset(expected))


async def test_leaving_asks_once_while_tests_run(tmp_path: Path) -> None:
    events = upto(recorded("mixed"), model.RunFinished)
    async with dashboard(events, tmp_path, (80, 24)) as (pilot, session):
        session.execution = session  # type: ignore[assignment]
        await pilot.press("q")
        assert "Tests are running" in await text(pilot)
        await pilot.press("n")
        assert "Tests are running" not in await text(pilot)
        assert session.stops == 0
        await pilot.press("q", "y")
        await settled(pilot)
        assert session.stops == 1
        session.execution = None


async def test_leaving_gives_the_exit_code_of_the_run(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value == 1


async def test_earlier_results_stay_and_are_told_apart(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path) as (pilot, session):
        app = app_of(pilot)
        again = [event for event in recorded("measured") if getattr(event, "case", 1) == 1]
        session.playing = type(session.playing)()
        one = upto(again, model.CasesCollected)
        one.append(
            model.CasesCollected(1, 1, (model.CollectedCase("tests/test_measured.py::test_too_slow"),))
        )
        session.play(one)
        await settled(pilot)
        nodes = app.board.outline.tests
        assert nodes["tests/test_measured.py::test_five_at_once"].stale
        session.play([model.CaseStarted(5, 1)])
        assert not nodes["tests/test_measured.py::test_too_slow"].stale
        assert "33" in await text(pilot)


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (39, 9), (300, 100)])
async def test_any_size_is_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, size) as (pilot, _):
        await text(pilot)
        for width, height in ((80, 24), size, (140, 44), size):
            await pilot.resize_terminal(width, height)
        await text(pilot)


async def test_what_cannot_be_drawn_is_told_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(recorded("measured"), tmp_path) as (pilot, _):
        app = app_of(pilot)
        app.board.folder = tmp_path

        def breaks(*_: object) -> None:
            raise RuntimeError("no chart today")

        monkeypatch.setattr("itdash.render.concurrency.lines", breaks)
        shown = await text(pilot)
        assert "this cannot be drawn: RuntimeError: no chart today" in shown
        assert "test_too_slow" in shown
        assert "no chart today" in (tmp_path / "dashboard.log").read_text()


async def test_text_from_tests_is_inert(tmp_path: Path) -> None:
    bad = "tests/test_it.py::test_\x1b]52;c;aGk=\x07[bold red]x[/]\u202e\ud800"
    events: list[model.AnyEvent] = [*upto(recorded("mixed"), model.CasesCollected)]
    events += [
        model.CasesCollected(1, 0, (model.CollectedCase(bad),)), model.CollectionFinished(2, 1),
        model.CaseStarted(3, 0), model.CaseAborted(4, 0, "crashed", "\x1b[2Jgone \x00 [/]"),
    ]  # fmt: skip
    async with dashboard(events, tmp_path) as (pilot, _):
        await pilot.press("J")
        shown = await text(pilot)
        assert "\\x1b]52;c;aGk=\\x07[bold red]x[/]\\u202e\\ud800" in shown
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown)


async def test_numbers_go_to_panels_and_one_fills_the_screen(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, (80, 24)) as (pilot, _):
        assert "2 Concurrency" in await text(pilot)
        await pilot.press("3")
        shown = await text(pilot)
        assert "3 Latency" in shown
        assert "2 Concurrency" not in shown
        assert isinstance(pilot.app.focused, Lines)
        await pilot.press("z")
        assert "1 Tests" not in await text(pilot)
        await pilot.press("z")
        assert "1 Tests" in await text(pilot)


async def test_help_names_every_key(tmp_path: Path) -> None:
    async with dashboard([], tmp_path, (100, 100)) as (pilot, _):
        await pilot.press("question_mark")
        shown = await text(pilot)
        for key in keymap.EVERY:
            assert key.words[:40] in shown


async def test_help_scrolls_by_the_keys_that_it_tells(tmp_path: Path) -> None:
    async with dashboard([], tmp_path, (100, 24), config=Config(keys={"go.down": "n"})) as (pilot, _):
        await pilot.press("question_mark")
        await text(pilot)
        panel = pilot.app.screen.query_one(Lines)
        tops = []
        for key in ("n", "ctrl+d", "G", "ctrl+u", "k", "g", "space", "home"):
            await pilot.press(key)
            tops.append(panel.scroll_offset.y)
        down, page, end, back, up, home, space, first = tops
        assert (down, home, first) == (1, 0, 0)
        assert down < page < up < back < end == panel.max_scroll_y
        assert up == back - 1
        assert space > 5
        await pilot.press("question_mark")
        assert pilot.app.screen is app_of(pilot).dashboard


async def test_the_mouse_chooses_opens_and_presses(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path) as (pilot, session):
        tests = app_of(pilot).dashboard.tests
        await pilot.click("#tests", offset=(10, 4))
        assert tests.node is not None
        assert tests.node.name == "test_too_slow"
        await pilot.click("#tests", offset=(10, 2))
        await pilot.click("#tests", offset=(10, 2))
        assert [node.kind for node in tests.browse.rows] == ["suite", "file"]
        last = (await text(pilot)).splitlines()[-1]
        await pilot.click("#footer", offset=(last.index("a all") + 2, 0))
        assert len(session.asked) == 1


@pytest.mark.parametrize("key", ["5", "6"])
async def test_a_panel_without_room_fills_the_screen_and_goes_again(key: str, tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, (120, 30)) as (pilot, _):
        title = {"5": "5 Resources", "6": "6 Timeline"}[key]
        assert title not in await text(pilot)
        await pilot.press(key)
        assert title in await text(pilot)
        await pilot.press(key)
        assert title in await text(pilot)
        await pilot.press("escape")
        shown = await text(pilot)
        assert title not in shown
        assert "1 Tests" in shown


async def test_a_key_that_would_end_a_run_asks_first(tmp_path: Path) -> None:
    events = upto(recorded("mixed"), model.RunFinished)
    async with dashboard(events, tmp_path, (100, 30)) as (pilot, session):
        session.execution = session  # type: ignore[assignment]
        await pilot.press("a")
        assert "End them, and run these?" in await text(pilot)
        await pilot.press("n")
        assert (session.stops, session.asked) == (0, [])
        await pilot.press("a", "y")
        await settled(pilot)
        assert session.stops == 1
        await pilot.press("s")
        assert app_of(pilot)._next is None
        session.execution = None


async def test_control_q_leaves_with_the_code_of_the_run(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert pilot.app.return_value == 1


@pytest.mark.parametrize("theme", ["itdash-dark", "itdash-light", "blueprint"])
async def test_the_first_picture_wears_the_theme(theme: str, tmp_path: Path) -> None:
    known = theme_file.read(themes.bundled() / f"{theme}.yaml")
    where = {"theme": "the flag --theme"}
    async with dashboard([], tmp_path, config=Config(theme=theme), origins=where) as (pilot, _):
        screen = pilot.app.screen
        assert known.background is not None
        assert screen.styles.background == Color.parse(known.background)
        frame = screen.query_one("#latency").styles.border_top[1]
        assert frame == Color.parse(known.variables["frame"])


async def test_a_panel_that_fills_the_screen_fills_another_size_too(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path) as (pilot, _):
        await pilot.press("3", "z")
        assert "1 Tests" not in await text(pilot)
        for width, height in ((220, 60), (80, 24), (140, 44)):
            await pilot.resize_terminal(width, height)
            lines = (await text(pilot)).splitlines()
            assert "3 Latency" in lines[0]
            assert (len(lines), len(lines[0])) == (height, width)
            assert pilot.app.screen.has_class("-maximized-view")
        await pilot.press("z")
        assert "1 Tests" in await text(pilot)


async def test_a_file_that_cannot_be_collected_is_counted_alike_everywhere(tmp_path: Path) -> None:
    problem = model.CollectionFailed(
        5, "tests/test_broken.py", "failed", "error", msgspec.Raw(b'{"longrepr": "no such module"}')
    )
    events: list[model.AnyEvent] = [*upto(recorded("mixed"), model.CasesCollected)]
    events += [
        problem, problem,
        model.CasesCollected(6, 0, (model.CollectedCase("t.py::a"), model.CollectedCase("t.py::b"))),
        model.CollectionFinished(7, 2), model.CaseStarted(8, 0),
        model.StageFinished(9, 0, "call", "failed", 1, "failed"), model.CaseFinished(10, 0),
    ]  # fmt: skip
    async with dashboard(events, tmp_path, (120, 30)) as (pilot, _):
        header, *_ = (await text(pilot)).splitlines()
        assert re.search(r"2/3  1 failing  1 file not collected", header)
        counts = [node.counts for node in app_of(pilot).board.outline.root.children or ()]
        assert (sum(sum(one or ()) for one in counts), sum((one or [0] * 5)[3] for one in counts)) == (3, 2)
        await pilot.press("g", "7")
        broken = next(n for n in app_of(pilot).board.outline.tests.values() if n.name.endswith("collected"))
        app_of(pilot).dashboard.tests.go_to(broken)
        shown = await text(pilot)
        assert "while it was collected" in shown
        assert "in setup" not in shown
        assert re.search(r"error  tests/test_broken.py *│", shown)


async def test_keys_that_come_at_once_go_into_the_filter(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        for key in ("/", "f", "a", "i", "l", "/", "q"):
            pilot.app.post_message(Key("slash" if key == "/" else key, key))
        await settled(pilot)
        assert "/fail/q" in await text(pilot)
        assert pilot.app.return_value is None
        assert session.asked == []
        await pilot.press("escape", "escape")
        assert "/fail/q" not in await text(pilot)
        for key in ("slash", "x", "enter", "J"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
        await settled(pilot)
        assert app_of(pilot).dashboard.tests.node is not None
        await pilot.press("slash", "x", "x", "x")
        shown = await text(pilot)
        assert "no test is like that" in shown
        assert "v the next state" in shown


async def test_what_stands_around_the_failure_is_seen(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path, (100, 30)) as (pilot, _):
        tests = app_of(pilot).dashboard.tests
        await pilot.press("G")
        await text(pilot)
        await pilot.press("K")
        await text(pilot)
        lines = tests.scrollable_content_region.height
        assert 2 <= tests.cursor - tests.scroll_offset.y < lines - 2


async def test_marks_are_counted_at_once_and_taken_away(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, _):
        tests = app_of(pilot).dashboard.tests
        await pilot.press("G", "x", "k", "x")
        assert str(tests.border_subtitle) == "2 marked"
        await pilot.press("G", "x")
        assert str(tests.border_subtitle) == "1 marked"
        await pilot.press("X")
        assert str(tests.border_subtitle) == ""
        assert not any(node.marked for node in app_of(pilot).board.outline.tests.values())


async def test_a_low_terminal_shows_tests_and_each_panel_by_its_number(tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, (40, 12)) as (pilot, _):
        shown = await text(pilot)
        assert "test_five_at_once" in shown
        assert "2 Concurrency" not in shown
        for key, title in (("2", "2 Concurrency"), ("7", "7 Detail"), ("4", "4 Requirements")):
            await pilot.press(key)
            lines = (await text(pilot)).splitlines()
            assert title in lines[0]
            assert len(lines) == 12
        await pilot.press("z")
        assert "test_five_at_once" in await text(pilot)


@pytest.mark.parametrize("size", [(20, 5), (30, 7)])
async def test_a_tiny_terminal_shows_what_failed(size: tuple[int, int], tmp_path: Path) -> None:
    async with dashboard(recorded("measured"), tmp_path, size) as (pilot, _):
        app_of(pilot).dashboard.settle()
        header, *rest = (await text(pilot)).splitlines()
        assert "failed" in header
        assert len(rest) == size[1] - 1
        assert any("test_too_slow"[:6] in line for line in rest)


async def test_an_older_run_is_told_in_a_narrow_header_beside_its_counts(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path, (80, 24)) as (pilot, _):
        app = app_of(pilot)
        app.push_screen(Dashboard(app.board, "an older run 20261120-180000-abcdef; Escape leaves it"))
        await settled(pilot)
        header, *_ = (await text(pilot)).splitlines()
        assert "an older run" in header
        assert "failing" in header


async def test_long_names_keep_what_stands_in_brackets(tmp_path: Path) -> None:
    name = "test_many_of_them_with_a_name_that_has_no_room"
    rows = tuple(model.CollectedCase(f"t.py::{name}[{n}-{'é' * n}]") for n in range(60))
    events = [*upto(recorded("mixed"), model.CasesCollected), model.CasesCollected(1, 0, rows)]
    async with dashboard(events, tmp_path, (80, 24)) as (pilot, _):
        await pilot.press("g")
        shown = await text(pilot)
        assert f"{name}[0-]" in shown
        assert "_no…[4-éééé]" in shown
    async with dashboard(events, tmp_path, (34, 24)) as (pilot, _):
        await pilot.press("g")
        shown = await text(pilot)
        assert "test_m…[2-éé]" in shown
        assert "……" not in shown
        assert all(len(line) <= 34 for line in shown.splitlines())
        await pilot.press("G")
        assert "éé]" in await text(pilot)


@pytest.mark.parametrize("key", ["r", "i", "o", "y", "Y", "d"])
async def test_without_tests_keys_for_one_say_so(key: str, tmp_path: Path) -> None:
    async with dashboard([], tmp_path, (100, 30)) as (pilot, session):
        await pilot.press(key)
        await settled(pilot)
        assert [one.message for one in pilot.app._notifications] == ["there is no test here"]
        assert session.asked == []
