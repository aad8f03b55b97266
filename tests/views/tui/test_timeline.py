"""The run over time: what is drawn, what the reader looks at, and what keys do."""

from __future__ import annotations

import random
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import recorded
from textual.app import App, ComposeResult

from itdash.events import model
from itdash.render.paint import Paint
from itdash.render.spans import plain
from itdash.render.spans import width as wide
from itdash.render.text import columns, cut_front, one_line
from itdash.render.timeline import cursor, scenes
from itdash.render.timeline import lanes as draw
from itdash.state import fold
from itdash.state.lanes import Lanes
from itdash.state.run import RunState
from itdash.views.tui import theme_file, themes
from itdash.views.tui.palette import Palette
from itdash.views.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

GLYPHS, ASCII = Paint(False, False), Paint(False, True)
MS = 1_000_000

REACHES = st.tuples(st.integers(0, 10**12), st.integers(scenes.LEAST_SPAN, 10**12)).map(
    lambda pair: scenes.Reach(pair[0], pair[0] + pair[1])
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("closer"), st.floats(-0.5, 1.5)),
        st.tuples(st.just("wider"), st.floats(-0.5, 1.5)),
        st.tuples(st.just("follow"), st.floats(0, 1)),
        st.tuples(st.just("scroll"), st.floats(-2, 2)),
        st.tuples(st.just("grow"), st.floats(0, 2)),
    ),
    max_size=30,
)


@given(REACHES, STEPS)
def test_zoom_and_scroll_never_leave_the_run(reach: scenes.Reach, steps: list[tuple[str, float]]) -> None:
    view = scenes.View()
    for kind, share in steps:
        length = reach.last - reach.first
        t = reach.first + int(length * share)
        if kind == "grow":
            reach = scenes.Reach(reach.first, reach.last + int(length * share))
        elif kind == "scroll":
            view = view.scrolled(int(length * share), reach)
        else:
            view = view.zoomed(kind != "wider", None if kind == "follow" else t, reach)
        seen = view.bounds(reach)
        assert reach.first <= seen.first < seen.last <= reach.last
        assert seen.last - seen.first >= scenes.LEAST_SPAN
        if view.follows:
            assert seen.last == reach.last


@given(REACHES, st.floats(0, 1), st.integers(1, 12))
def test_what_is_zoomed_around_stays_where_it_is(reach: scenes.Reach, share: float, times: int) -> None:
    view = scenes.View()
    t = reach.first + int((reach.last - reach.first) * share)
    for _ in range(times):
        before = view.bounds(reach)
        view = view.zoomed(True, t, reach)
        seen = view.bounds(reach)
        span = seen.last - seen.first
        assert seen.first <= t <= seen.last
        assert abs((t - before.first) * span // (before.last - before.first) - (t - seen.first)) <= 1


def test_zooming_out_ends_at_the_whole_run_and_follows_it() -> None:
    reach = scenes.Reach(0, 100 * MS)
    view = scenes.View().zoomed(True, 10 * MS, reach).zoomed(True, 10 * MS, reach)
    assert not view.follows
    assert view.zoomed(False, 10 * MS, reach).zoomed(False, 10 * MS, reach) == scenes.View()


def test_a_view_that_follows_goes_with_the_end() -> None:
    view = scenes.View().zoomed(True, None, scenes.Reach(0, 100 * MS))
    assert view.bounds(scenes.Reach(0, 100 * MS)) == (50 * MS, 100 * MS)
    assert view.bounds(scenes.Reach(0, 150 * MS)) == (100 * MS, 150 * MS)
    stays = view.scrolled(-10 * MS, scenes.Reach(0, 100 * MS))
    assert stays.bounds(scenes.Reach(0, 150 * MS)) == (40 * MS, 90 * MS)


class Run:
    """A state and its lanes, fed together."""

    def __init__(self, events: Sequence[model.AnyEvent] = ()) -> None:
        self.state, self.lanes = RunState(), Lanes()
        self.feed(events)

    def feed(self, events: Sequence[model.AnyEvent]) -> None:
        fold.apply_all(self.state, events)
        self.lanes.take(events)

    def scene(
        self, places: int, now: int, view: scenes.View | None = None, paint: Paint = GLYPHS
    ) -> scenes.Scene:
        reach = scenes.reach(self.lanes, self.state, now)
        return scenes.Scene((view or scenes.View()).bounds(reach), places, self.state, now, paint)

    def lane(self, scene: scenes.Scene, name: str = "") -> str:
        return plain(draw.TestsDrawing(self.lanes.lanes[name]).draw(scene))


def named(*names: str) -> model.CasesCollected:
    return model.CasesCollected(0, 0, tuple(model.CollectedCase(f"t.py::{name}") for name in names))


def ran(number: int, start: int, end: int, outcome: str = "passed", worker: str = "") -> list[model.AnyEvent]:
    return [
        model.CaseStarted(start * MS, number, worker),
        model.StageFinished(end * MS, number, "call", outcome, 1, outcome),
        model.CaseFinished(end * MS, number),
    ]


END = model.RunFinished(100 * MS, "passed", 0)
TWO = [named("test_one", "test_two"), *ran(0, 0, 40), *ran(1, 60, 100, "failed"), END]


def test_tests_stand_as_long_as_they_took_with_their_names_and_outcomes() -> None:
    run = Run(TWO)
    assert run.lane(run.scene(50, 100 * MS)) == "✓ test_one ━━━━━━━━━··········✗ test_two ━━━━━━━━━"
    assert run.lane(run.scene(50, 100 * MS, paint=ASCII)) == (
        "+ test_one =========..........x test_two ========="
    )
    assert run.lane(run.scene(15, 100 * MS)) == "✓ tes…···✗ tes…"
    assert run.lane(run.scene(5, 100 * MS)) == "✓━·✗━"


def test_several_tests_in_a_column_show_the_worst() -> None:
    tests = [event for n in range(100) for event in ran(n, n, n + 1, "failed" if n == 57 else "passed")]
    run = Run([*tests, END])
    assert run.lane(run.scene(10, 100 * MS)) == "█████✗████"
    assert run.lane(run.scene(10, 100 * MS, paint=ASCII)) == "#####x####"


def test_a_test_that_still_runs_goes_on_until_now_and_no_further() -> None:
    run = Run([named("test_one"), model.CaseStarted(0, 0)])
    scene = run.scene(200, 100 * MS)
    text = run.lane(scene)
    assert text.startswith("● test_one ━")
    assert len(text) == scene.column(100 * MS) + 1 < 200
    told = plain(cursor.told(draw.rows(run.lanes, run.state)[0], run.lanes, 3, 80, scene))
    assert told.split() == ["t.py::test_one", "began", "0.000s", "took", "100ms", "●", "running"]


def test_at_the_first_moment_of_the_clock() -> None:
    run = Run()
    assert draw.rows(run.lanes, run.state) == []
    assert scenes.reach(run.lanes, run.state, 0).last >= scenes.LEAST_SPAN
    run.feed([named("test_one"), model.CaseStarted(0, 0)])
    assert run.lane(run.scene(40, 0)) == "●"


def test_a_worker_that_crashed_is_not_idle() -> None:
    run = Run([named("a", "b"), model.CaseStarted(0, 0, "gw0"),
               model.CaseAborted(10 * MS, 0, "crashed", "why"),
               *ran(1, 50, 100, worker="gw1"), END])  # fmt: skip
    scene = run.scene(10, 100 * MS)
    assert run.lane(scene, "gw0").rstrip() == "☠"
    assert run.lane(scene, "gw1") == "     ✓━━━━"
    told = plain(cursor.told(draw.rows(run.lanes, run.state)[0], run.lanes, 6, 80, scene))
    assert told == "at 0.06s  ☠ its process has crashed"


def test_idle_is_told_with_what_the_others_did() -> None:
    run = Run([named("a", "b", "c"), *ran(0, 0, 20, worker="gw0"), *ran(1, 0, 90, worker="gw1"),
               *ran(2, 80, 100, worker="gw0"), END])  # fmt: skip
    rows = draw.rows(run.lanes, run.state)
    told = plain(cursor.told(rows[0], run.lanes, 5, 80, run.scene(10, 100 * MS)))
    assert told == "at 0.05s  idle for 60ms; meanwhile gw1 b"


def test_many_tests_are_told_by_their_outcomes() -> None:
    tests = [event for n in range(10) for event in ran(n, n, n + 1, "failed" if n == 3 else "passed")]
    run = Run([named(*(f"test_{n}" for n in range(10))), *tests, END])
    row = draw.rows(run.lanes, run.state)[0]
    told = plain(cursor.told(row, run.lanes, 0, 80, run.scene(1, 100 * MS)))
    assert told == "at 0.00s  10 tests:  ✗ 1 failed  ✓ 9 passed  t.py::test_3"


def test_marks_are_a_lane_and_are_told() -> None:
    run = Run([*TWO, model.MarkAdded(50 * MS, "half\nway \x1b[31m")])
    rows = draw.rows(run.lanes, run.state)
    assert [row.title for row in rows] == ["tests", "marks"]
    scene = run.scene(10, 100 * MS)
    assert plain(draw.draw_marks(run.lanes, scene)) == "     ◆    "
    assert plain(cursor.told(rows[1], run.lanes, 5, 80, scene)) == "at 0.05s  ◆ half way \\x1b[31m"


def test_what_is_coarser_than_the_picture_is_told() -> None:
    state = fold.replay(recorded("measured"))
    lanes = Lanes()
    lanes.take(recorded("measured"))
    row = next(row for row in draw.rows(lanes, state) if row.level is not None)
    reach = scenes.reach(lanes, state, state.t)
    told = []
    for view in (scenes.View(), scenes.View(scenes.LEAST_SPAN, reach.first, False)):
        scene = scenes.Scene(view.bounds(reach), 60, state, state.t, GLYPHS)
        told.append(plain(cursor.told(row, lanes, 30, 120, scene)))
    assert "nothing finer is kept" not in told[0]
    assert "nothing finer is kept" in told[1]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 60), st.booleans(),
)  # fmt: skip
def test_what_is_kept_of_a_picture_is_what_would_be_drawn_anew(
    tests: list[tuple[int, int, bool]], places: int, zoomed: bool
) -> None:
    run = Run([named(*(f"test_{n}" for n in range(len(tests))))])
    t = 0
    drawing = None
    for number, (idle, took, passes) in enumerate(tests):
        start, end = t + idle, t + idle + took
        for event in ran(number, start, end, "passed" if passes else "failed"):
            run.feed([event])
            lane = run.lanes.lanes[""]
            drawing = drawing or draw.TestsDrawing(lane)
            reach = scenes.Reach(0, 2_000 * MS)
            view = scenes.View(400 * MS, 100 * MS, False) if zoomed else scenes.View()
            scene = scenes.Scene(view.bounds(reach), places, run.state, event.t, GLYPHS)
            assert drawing.draw(scene) == draw.TestsDrawing(lane).draw(scene)
        t = end


@pytest.mark.parametrize("paint", [GLYPHS, ASCII], ids=["glyphs", "ascii"])
@pytest.mark.parametrize("name", ["mixed", "workers", "crashes", "measured", "nothing"])
def test_every_width_fits(name: str, paint: Paint) -> None:
    events = recorded(name)
    for cut in (len(events) // 2, len(events)):
        run = Run(events[:cut])
        rows = draw.rows(run.lanes, run.state)
        for width in range(20, 221, 7):
            before = draw.name_width(rows, width)
            scene = run.scene(width - before, run.state.t, paint=paint)
            lines = [draw.head(scene, 3, before)]
            for row in rows:
                spans = draw.title(row, True, before, paint)
                if row.lane is not None:
                    spans += draw.TestsDrawing(row.lane).draw(scene)
                elif row.level is not None:
                    spans += draw.draw_level(row.level, scene)
                else:
                    spans += draw.draw_marks(run.lanes, scene)
                lines.append(spans)
                told = cursor.told(row, run.lanes, 2, width, scene)
                assert paint is GLYPHS or plain(told).replace("ünï✓", "").isascii()
            assert all(wide(spans) <= width for spans in lines)
            assert paint is GLYPHS or all(plain(spans).isascii() for spans in lines)


@given(st.text(max_size=40), st.integers(0, 40))
def test_the_end_of_a_text(text: str, room: int) -> None:
    text = one_line(text)
    short = cut_front(text, room, "…")
    assert columns(short) <= room
    assert short == text or not short or (short[0] == "…" and text.endswith(short[1:]))


# -- the widget --


class Alone(App[None]):
    """The panel and nothing else."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run_shown, self.now = run, run.state.t
        self.paint, self.palette = GLYPHS, Palette({})
        self.chosen: list[str] = []
        self.timeline = Timeline(
            "Timeline", run.lanes, lambda: (run.state, self.now), lambda: "waiting", id="timeline"
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme_file.read(themes.bundled() / f"{themes.DEFAULT}.yaml").variables

    def compose(self) -> ComposeResult:
        yield self.timeline

    def on_mount(self) -> None:
        self.timeline.focus()

    def on_timeline_chosen(self, message: Timeline.Chosen) -> None:
        self.chosen.append(message.id)

    def lines(self) -> list[str]:
        """What the panel shows, as it stands on the screen."""
        self.timeline.renew()
        region = self.timeline.scrollable_content_region
        return [self.timeline.render_line(y).text for y in range(region.height)]


@pytest.mark.asyncio
async def test_keys_zoom_scroll_and_choose() -> None:
    app = Alone(Run(TWO))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        whole = app.lines()
        assert "test_one" in whole[1]
        assert "test_two" in whole[1]
        assert "t.py::test_two" in whole[-1]
        await pilot.press("enter")
        app.timeline.action_edge(False)
        await pilot.press(*["right"] * 3, "enter")
        await pilot.pause()
        assert app.chosen == ["t.py::test_two", "t.py::test_one"]
        assert "▼" in app.lines()[0]
        assert "t.py::test_one" in app.lines()[-1]
        await pilot.press("+", "+", "shift+right", "shift+right", "shift+right", "shift+right")
        assert "test_one" not in app.lines()[1]
        assert "test_two" in app.lines()[1]
        await pilot.press("-", "0")
        assert app.lines() == whole


@pytest.mark.asyncio
async def test_the_picture_goes_with_the_run_until_the_reader_moves() -> None:
    run = Run([named("test_one", "test_two"), *ran(0, 0, 1_000), model.CaseStarted(1_000 * MS, 1)])
    app = Alone(run)
    app.now = 1_000 * MS
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        await pilot.press("+", "+", "+")
        assert "test_one" in app.lines()[1]
        app.now = 3_000 * MS
        assert "test_one" not in app.lines()[1]
        assert "running" in app.lines()[-1]
        await pilot.press("left")
        seen = app.lines()
        app.now = 9_000 * MS
        assert app.lines()[0] == seen[0]
        await pilot.press("0")
        assert "0s" in app.lines()[0]
        assert "8s" in app.lines()[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [(20, 3), (20, 4), (21, 5), (40, 6), (220, 60)])
async def test_a_lane_is_seen_in_every_size(size: tuple[int, int]) -> None:
    app = Alone(Run(recorded("workers")))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for _ in range(6):
            app.timeline.action_move(1)
            title = draw.rows(app.run_shown.lanes, app.run_shown.state)[app.timeline.row].title
            assert any(line.startswith(f"▸{title}") for line in app.lines())
            assert all(columns(line) == size[0] - 2 for line in app.lines())
        assert app.timeline.row == len(draw.rows(app.run_shown.lanes, app.run_shown.state)) - 1


@pytest.mark.asyncio
async def test_a_click_goes_to_the_lane_and_the_moment() -> None:
    app = Alone(Run(TWO))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        await pilot.click(Timeline, offset=(15, 2))
        assert "t.py::test_one" in app.lines()[-1]


@pytest.mark.asyncio
async def test_nothing_yet() -> None:
    app = Alone(Run())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert app.lines()[0].startswith("waiting")
        await pilot.press("+", "-", "left", "right", "shift+left", "0", "enter")
        app.timeline.action_edge(False)
        assert app.lines()[0].startswith("waiting")


@pytest.mark.parametrize("workers", [1, 8, 16])
def test_what_a_frame_costs_at_fifty_thousand_tests(workers: int) -> None:
    dice = random.Random(1)
    clocks = [0] * workers
    events: list[model.AnyEvent] = []
    for number in range(50_000):
        worker = number % workers
        start = clocks[worker] + dice.randrange(1, 2)
        clocks[worker] = start + dice.randrange(1, 20)
        events += ran(
            number, start, clocks[worker], "failed" if dice.random() < 0.01 else "passed", f"gw{worker}"
        )
    events.sort(key=lambda event: event.t)
    run = Run([model.CasesCollected(0, 0, tuple(model.CollectedCase(f"t.py::t{n}") for n in range(50_000)))])
    run.feed(events[:-2])
    now = events[-1].t
    drawings = [draw.TestsDrawing(lane) for lane in run.lanes.named]
    anew, kept = [], []
    for frame in range(40):
        scene = run.scene(200, now + frame)
        before = time.perf_counter()
        for drawing in drawings:
            draw.TestsDrawing(drawing.lane).draw(scene)
        between = time.perf_counter()
        for drawing in drawings:
            drawing.draw(scene)
        anew.append(between - before)
        kept.append(time.perf_counter() - between)
    print(f"{workers} lanes: {median(anew) * 1e3:.2f} ms all anew, {median(kept) * 1e3:.2f} ms as it goes on")
