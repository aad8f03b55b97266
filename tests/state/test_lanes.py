"""When tests ran: the index answers as a search through all of them would, live and on recorded runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from itdash.events import model
from itdash.events.journal import replay as read
from itdash.state import fold
from itdash.state.lanes import CODES, FLAKY, NOT_RUN, OUTCOMES, PASSED, RUNNING, Lane, Lanes, column_of

if TYPE_CHECKING:
    from pathlib import Path

TIMES = st.integers(0, 400)
TESTS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 60), st.sampled_from(range(len(OUTCOMES)))), max_size=40
)
"""How long nothing ran, how long a test did, and what became of it."""


def lane_of(tests: list[tuple[int, int, int]], last_runs: bool = False) -> Lane:
    lane = Lane("")
    t = 0
    for number, (idle, took, code) in enumerate(tests):
        t += idle
        place = lane.begin(number, t)
        t += took
        if not (last_runs and number == len(tests) - 1):
            lane.finish(place, t, code)
    return lane


def spans_of(lane: Lane, now: int) -> list[tuple[int, int]]:
    return [(start, lane.end(place, now)) for place, start in enumerate(lane.starts)]


@given(TESTS, TIMES, TIMES, st.booleans())
def test_what_ran_between_two_moments(
    tests: list[tuple[int, int, int]], one: int, other: int, runs: bool
) -> None:
    lane = lane_of(tests, runs)
    start, end, now = min(one, other), max(one, other) + 1, 5_000
    ran = [place for place, (began, ended) in enumerate(spans_of(lane, now)) if began < end and ended > start]
    assert list(range(*lane.between(start, end))) == ran
    low, high = lane.between(start, end)
    assert lane.worst(low, high) == max((lane.outcomes[place] for place in ran), default=NOT_RUN)
    busy = sum(min(ended, end) - max(began, start) for began, ended in (spans_of(lane, now)[p] for p in ran))
    assert lane.busy(start, end, now) == busy


@given(st.lists(st.integers(0, len(OUTCOMES) - 1), min_size=1, max_size=700), st.data())
def test_the_worst_of_many(codes: list[int], data: st.DataObject) -> None:
    lane = lane_of([(0, 1, code) for code in codes])
    low = data.draw(st.integers(0, len(codes) - 1))
    high = data.draw(st.integers(low + 1, len(codes)))
    assert lane.worst(low, high) == max(codes[low:high])


@given(TESTS, TIMES, st.integers(1, 500), st.integers(1, 120), TIMES, st.booleans())
def test_a_picture_shows_in_each_column_what_ran_then(
    tests: list[tuple[int, int, int]], start: int, span: int, places: int, now: int, runs: bool
) -> None:
    lane = lane_of(tests, runs)
    span = max(span, places)
    now = max(now, lane.starts[-1] + 1 if tests else 0)
    column = 0
    for stretch in lane.stretches(start, start + span, places, now):
        assert stretch.columns >= 1
        for place in range(column, column + stretch.columns):
            left, right = start + span * place // places, start + span * (place + 1) // places
            shown = set(range(stretch.low, stretch.high))
            ran = set(range(*lane.between(left, right)))
            # One test may leave its column to the next; nothing else is left out, and nothing invented.
            assert shown <= ran
            assert len(ran - shown) <= (1 if len(shown) == 1 else 0)
            assert stretch.high - stretch.low <= 1 or stretch.columns == 1
        column += stretch.columns
    assert column == min(places, max(0, column_of(now, start, span, places) + 1))


@given(TIMES, st.integers(1, 2**40), st.integers(1, 300), st.data())
def test_the_column_of_a_moment(start: int, span: int, places: int, data: st.DataObject) -> None:
    span = max(span, places)
    t = start + data.draw(st.integers(0, span - 1))
    column = column_of(t, start, span, places)
    assert 0 <= column < places
    assert start + span * column // places <= t < start + span * (column + 1) // places


def test_recorded_runs_have_in_their_lanes_what_became_of_each_test(journal: Path) -> None:
    events, _ = read(journal)
    state, lanes = fold.replay(events), Lanes()
    lanes.take(events)
    last = {
        number: (lane.ends[place], OUTCOMES[lane.outcomes[place]])
        for lane in lanes.named
        for place, number in enumerate(lane.numbers)
    }
    started = {state.ids[number]: told for number, told in last.items()}
    for id, case in state.cases.items():
        if case.worker or case.started:
            assert started[id] == (case.ended, "flaky" if case.flaky else case.outcome)
        else:
            assert id not in started


def test_pieces_make_the_same_lanes_as_the_whole(journal: Path) -> None:
    events, _ = read(journal)
    whole = Lanes()
    whole.take(events)
    for cut in range(0, len(events), 5):
        lanes = Lanes()
        lanes.take(events[:cut])
        lanes.take(events[cut:])
        assert picture(lanes) == picture(whole)


def picture(lanes: Lanes) -> object:
    tests = lanes.tests
    return [
        (lane.name, list(lane.starts), list(lane.ends), list(lane.numbers), bytes(lane.outcomes))
        for lane in lanes.named
    ] + [tests.count, tests.now, tests.peak, lanes.marks]


def test_workers_stand_in_the_order_of_their_numbers() -> None:
    lanes = Lanes()
    lanes.take([model.CaseStarted(n, n, f"gw{n}") for n in (10, 2, 1)])
    assert [lane.name for lane in lanes.named] == ["gw1", "gw2", "gw10"]


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30)), max_size=8), min_size=1, max_size=4)
)
def test_how_many_ran_at_once(workers: list[list[tuple[int, int]]]) -> None:
    events: list[model.AnyEvent] = []
    edges: list[tuple[int, int]] = []
    number = 0
    for worker, tests in enumerate(workers):
        t = 0
        for idle, took in tests:
            t += idle
            events += [model.CaseStarted(t, number, f"gw{worker}"), model.CaseFinished(t + took, number)]
            edges += [(t, 1), (t + took, -1)]
            t += took
            number += 1
    events.sort(key=lambda event: event.t)
    lanes = Lanes()
    lanes.take([*events, model.RunFinished(10_000, "passed", 0)])
    running = peak = 0
    for _, by in sorted(edges):  # an end comes before a begin of the same moment
        running += by
        peak = max(peak, running)
    assert lanes.tests.peak == peak


def started(*more: model.AnyEvent) -> Lanes:
    lanes = Lanes()
    lanes.take([model.CaseStarted(5, 0), *more])
    return lanes


def test_a_test_that_runs_ends_now() -> None:
    (lane,) = started().named
    assert (lane.outcomes[0], lane.end(0, 9), lane.end(0, 0)) == (RUNNING, 9, 6)


def test_at_the_first_moment_of_the_clock() -> None:
    lanes = Lanes()
    assert (lanes.first, lanes.last(0), lanes.named) == (-1, 0, [])
    lanes.take([model.CaseStarted(0, 0), model.CaseFinished(0, 0), model.CaseStarted(0, 1)])
    (lane,) = lanes.named
    assert lanes.first == 0
    assert spans_of(lane, 0) == [(0, 1), (1, 2)]
    assert lane.between(0, 1) == (0, 1)


def test_a_pass_at_a_second_attempt_is_flaky() -> None:
    def attempt(t: int, category: str) -> list[model.AnyEvent]:
        return [
            model.StageFinished(t, 0, "setup", "passed", 1),
            model.StageFinished(t, 0, "call", category, 1, category),
            model.StageFinished(t, 0, "teardown", "passed", 1),
        ]

    (lane,) = started(*attempt(6, "rerun"), *attempt(7, "passed"), model.CaseFinished(8, 0)).named
    assert lane.outcomes[0] == FLAKY
    (lane,) = started(*attempt(6, "rerun"), *attempt(7, "failed"), model.CaseFinished(8, 0)).named
    assert lane.outcomes[0] == CODES["failed"]


def test_an_end_that_comes_after_the_next_begin_tells_its_outcome_only() -> None:
    (lane,) = started(model.CaseStarted(9, 1), model.CaseAborted(12, 0, "timed out", "why")).named
    assert spans_of(lane, 20) == [(5, 9), (9, 20)]
    assert list(lane.outcomes) == [CODES["timed out"], RUNNING]
    assert lane.revised == 1


def test_an_outcome_that_comes_late_is_found_among_many() -> None:
    events: list[model.AnyEvent] = [model.CaseStarted(6, 1)]
    for number in range(2, 600):
        events += [model.CaseStarted(number * 10, number), model.CaseFinished(number * 10 + 5, number)]
    (lane,) = started(*events, model.CaseAborted(9_000, 1, "crashed", "why")).named
    assert OUTCOMES[lane.worst(0, 600)] == "crashed"
    assert OUTCOMES[lane.worst(2, 600)] == "not run"


def test_echoes_and_reports_of_tests_that_never_began_change_nothing() -> None:
    (lane,) = started(
        model.CaseAborted(7, 0, "crashed", "why"), model.CaseFinished(9, 0),
        model.StageFinished(9, 0, "call", "passed", 1, "passed"),
        model.SubtestFinished(9, 7, "x", "failed", 1, "failed"), model.CaseFinished(9, 8),
    ).named  # fmt: skip
    assert spans_of(lane, 20) == [(5, 7)]
    assert list(lane.outcomes) == [CODES["crashed"]]


def test_marks_stand_in_the_order_of_time() -> None:
    lanes = started(model.MarkAdded(9, "b"), model.MarkAdded(2, "a"))
    assert lanes.marks == [(2, "a"), (9, "b")]
    assert lanes.first == 2


def test_another_run_begins_with_nothing() -> None:
    lanes = started(model.MarkAdded(9, "b"))
    lanes.begin()
    assert picture(lanes) == picture(Lanes())


def test_what_fifty_thousand_tests_cost() -> None:
    lanes = Lanes()
    events: list[model.AnyEvent] = []
    for number in range(50_000):
        t = number * 1_000_000
        events += [
            model.CaseStarted(t, number),
            model.StageFinished(t + 5, number, "call", "passed", 5, "passed"),
            model.CaseFinished(t + 900_000, number),
        ]
    before = time.perf_counter()
    lanes.take(events)
    taken = time.perf_counter()
    (lane,) = lanes.named
    end = lane.ends[-1]
    found = [lane.worst(stretch.low, stretch.high) for stretch in lane.stretches(0, end, 200, end)]
    drawn = time.perf_counter()
    assert found == [PASSED] * 200
    print(f"taken in {(taken - before) / 50_000 * 1e6:.1f} us each, searched for 200 columns in "
          f"{(drawn - taken) * 1e3:.2f} ms")  # fmt: skip
