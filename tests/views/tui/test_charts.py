"""Charts of several rows, axes of time and histograms, and the panel of concurrency made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import recorded

from itdash.events import model
from itdash.measure.latency import Histogram
from itdash.render import concurrency
from itdash.render.charts import area, axis, buckets, chart, chart_labels, histogram, moment
from itdash.render.paint import Paint
from itdash.render.spans import plain
from itdash.render.spans import width as wide
from itdash.state import fold
from itdash.state.lanes import Lanes
from itdash.state.run import RunState

GLYPHS, ASCII = Paint(False, False), Paint(False, True)
SECOND = 10**9


def test_a_limit_that_is_kept_is_a_line_on_which_the_level_stands() -> None:
    values = [0, 1, 3, 4, 4, 0]
    assert [plain(spans) for spans in chart(values, 5, 4, False, GLYPHS)] == [
        "╌╌╌╌╌╌",
        "   ██ ",
        "  ███ ",
        "  ███ ",
        " ████ ",
    ]
    assert chart_labels(values, 5, 4) == [
        ("limit", "4"), ("peak", "4"), ("dim", ""), ("dim", ""), ("dim", "0"),
    ]  # fmt: skip


def test_what_goes_beyond_its_limit_crosses_the_line() -> None:
    drawn = chart([1, 2, 4], 4, 2, True, GLYPHS)
    assert [plain(spans) for spans in drawn] == ["  █", "╌╌█", " ██", "███"]
    assert {role for spans in drawn for role, text in spans if text.strip() and "╌" not in text} == {"broken"}
    assert [text for _, text in chart_labels([1, 2, 4], 4, 2)] == ["4", "2", "", "0"]


def test_the_line_and_the_lowest_level_differ_in_ascii_too() -> None:
    assert [plain(spans) for spans in chart([0, 1, 8], 3, 8, False, ASCII)] == ["___", "  @", " :@"]


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=60), st.integers(1, 12), st.integers(0, 6_000),
    st.sampled_from([GLYPHS, ASCII]),
)  # fmt: skip
def test_a_chart_has_its_size_and_its_columns_their_order(
    values: list[int], rows: int, limit: int, paint: Paint
) -> None:
    drawn = chart(values, rows, limit, False, paint)
    assert [wide(spans) for spans in drawn] == [len(values)] * rows
    assert len(chart_labels(values, rows, limit)) == rows
    assert paint is GLYPHS or all(plain(spans).isascii() for spans in drawn)
    plain_rows = area(values, rows, max(1, *values) / rows)
    filled = [sum(row[place] != " " for row in plain_rows) for place in range(len(values))]
    assert all((count > 0) == (value > 0) for count, value in zip(filled, values, strict=True))
    by_value = sorted(zip(values, filled, strict=True))
    assert [count for _, count in by_value] == sorted(filled)


def test_an_axis_of_seconds_minutes_and_milliseconds() -> None:
    assert axis(0, 10 * SECOND, 40, GLYPHS) == "│0s     │2s     │4s     │6s     │8s     "
    assert axis(50 * SECOND, 80 * SECOND, 40, GLYPHS) == "│50s         │1:00        │1:10         "
    assert axis(1_234 * 10**6, 1_238 * 10**6, 40, ASCII) == "|1.234s   |1.235s   |1.236s   |1.237s   "


@given(st.integers(0, 10**13), st.integers(1_000, 10**13), st.integers(1, 220))
def test_an_axis_fits_and_its_moments_stand_in_their_columns(start: int, span: int, places: int) -> None:
    text = axis(start, start + span, places, ASCII)
    assert len(text) == places
    for column, sign in enumerate(text):
        if sign == "|":
            label = text[column + 1 :].split(" ")[0].partition("|")[0]
            seconds = 0.0
            for part in label.rstrip("s").split(":"):
                seconds = seconds * 60 + float(part)
            assert abs(start + span * (column + 0.5) / places - seconds * SECOND) <= span / places + 1


def test_moments_are_as_exact_as_their_step() -> None:
    assert [moment(83_412 * 10**6, step) for step in (SECOND, 10**8, 10**6)] == ["1:23", "1:23.4", "1:23.412"]
    assert moment(3_723 * SECOND, SECOND) == "1:02:03"
    assert moment(250 * 10**6, 5 * 10**7) == "0.25s"


durations = st.lists(st.integers(0, 2**62), min_size=1, max_size=200)


@given(durations)
def test_the_buckets_hold_every_sample_near_its_place(given_durations: list[int]) -> None:
    latency = Histogram()
    latency.record_many(given_durations)
    found = list(buckets(latency))
    assert sum(count for _, count in found) == latency.count
    expanded = [ns for ns, count in found for _ in range(count)]
    for middle, ns in zip(expanded, sorted(given_durations), strict=True):
        assert abs(middle - ns) <= ns / 64 + 1


@given(durations, st.integers(12, 220), st.integers(3, 20), st.sampled_from([GLYPHS, ASCII]))
def test_a_histogram_fits(given_durations: list[int], width: int, height: int, paint: Paint) -> None:
    latency = Histogram()
    latency.record_many(given_durations)
    drawn = histogram(latency, width, height, paint)
    assert len(drawn) == height
    assert all(wide(spans) <= max(width, len(f"{latency.count:,}") + 2) for spans in drawn)
    assert paint is GLYPHS or all(plain(spans).isascii() for spans in drawn)


def test_a_histogram_marks_only_what_its_samples_carry() -> None:
    latency = Histogram()
    latency.record_many([10_000_000] * 15 + [40_000_000] * 5)
    text = "\n".join(plain(spans) for spans in histogram(latency, 80, 9, GLYPHS))
    assert "▲ p50 10.0ms" in text
    assert "p95 40.0ms" in text
    assert "p99" not in text
    assert text.startswith("15 ")
    assert histogram(Histogram(), 80, 9, GLYPHS) == []


# -- the panel --


def parts(name: str) -> tuple[RunState, Lanes]:
    events = recorded(name)
    lanes = Lanes()
    lanes.take(events)
    return fold.replay(events), lanes


@pytest.mark.parametrize("paint", [GLYPHS, ASCII], ids=["glyphs", "ascii"])
@pytest.mark.parametrize("name", ["measured", "workers", "mixed", "nothing"])
def test_every_size_fits(name: str, paint: Paint) -> None:
    state, lanes = parts(name)
    for width in range(20, 221, 8):
        for height in (0, 3, 8, 14, 30, 60):
            drawn = concurrency.lines(state, state.t, width, paint, height, lanes)
            few = 2 + len(state.operations.operations)
            assert len(drawn) <= max(height, few)
            assert all(wide(spans) <= max(width, 32) for spans in drawn)
            assert paint is GLYPHS or all(plain(spans).isascii() for spans in drawn)


def test_where_there_is_no_room_each_has_one_line() -> None:
    state, lanes = parts("measured")
    drawn = [plain(spans) for spans in concurrency.lines(state, state.t, 80, GLYPHS, 0, lanes)]
    names = [line.split()[0] for line in drawn]
    assert names[:2] == ["operation", "tests"]
    assert set(names[2:]) == {
        name for name, operation in state.operations.operations.items() if operation.total.peak
    }
    without = [plain(spans) for spans in concurrency.lines(state, state.t, 80, GLYPHS)]
    assert [(line[:9], line[-22:]) for line in drawn[2:]] == [(line[:9], line[-22:]) for line in without[1:]]


def test_where_there_is_room_workers_and_charts_come_with_an_axis() -> None:
    state, lanes = parts("workers")
    drawn = [plain(spans) for spans in concurrency.lines(state, state.t, 80, GLYPHS, 20, lanes)]
    assert len(drawn) <= 20
    assert [line.split()[0] for line in drawn if "busy" in line] == [lane.name for lane in lanes.named]
    assert "│" in drawn[-1]
    assert drawn[1].split()[:2] == ["tests", str(lanes.tests.peak)]


def test_the_first_moment_of_the_clock() -> None:
    lanes = Lanes()
    state = RunState()
    assert concurrency.lines(state, 0, 80, GLYPHS, 20, lanes) == []
    events: list[model.AnyEvent] = [model.CaseStarted(0, 0, "gw0"), model.CaseStarted(0, 1, "gw1")]
    lanes.take(events)
    fold.apply_all(state, events)
    drawn = [plain(spans) for spans in concurrency.lines(state, 0, 80, GLYPHS, 20, lanes)]
    assert drawn[1].split()[0] == "tests"


def test_a_thousand_operations_are_cut_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    state, _ = parts("measured")
    monkeypatch.setattr(concurrency, "_MOST", 1)
    shown = [name for name, operation in state.operations.operations.items() if operation.total.peak]
    drawn = [plain(spans) for spans in concurrency.lines(state, state.t, 80, GLYPHS)]
    assert len(shown) > 1
    assert drawn[-1] == f"and {len(shown) - 1} more"
