"""Numbers in flight against a count by hand at every moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.measure.overlap import InFlight

if TYPE_CHECKING:
    from itdash.measure.timeline import TimeLine

relaxed = settings(deadline=None)

Edge = tuple[int, bool]


@dataclass
class Operation:
    begin: int
    end: int | None  # None: it never ends


def in_flight_at(moment: int, operations: list[Operation]) -> int:
    return sum(o.begin <= moment and (o.end is None or moment < o.end) for o in operations)


def peak_of(operations: list[Operation]) -> int:
    moments = {o.begin for o in operations}
    return max((in_flight_at(t, operations) for t in moments), default=0)


def edges_of(operations: list[Operation], begins_first: bool) -> list[Edge]:
    """The edges in the order of time, those of one moment in either order that a source may tell them in."""
    keyed = []
    for o in operations:
        keyed.append((o.begin, 0 if begins_first else 1, True))
        if o.end is not None:
            # Even where ends come first, an operation does not end before it begins.
            keyed.append((o.end, 2 if begins_first or o.end == o.begin else 0, False))
    return [(t, begins) for t, _, begins in sorted(keyed, key=lambda edge: edge[:2])]


def operations_within(latest: int) -> st.SearchStrategy[list[Operation]]:
    def make(begin: int, lasts: int | None) -> Operation:
        return Operation(begin, None if lasts is None else begin + lasts)

    one = st.builds(make, st.integers(0, latest), st.none() | st.integers(0, latest))
    return st.lists(one, max_size=25)


crowded = operations_within(12)
spread = operations_within(50_000)


@relaxed
@given(crowded | spread, st.booleans())
def test_one_source_in_order_is_exact(operations: list[Operation], begins_first: bool) -> None:
    flight = InFlight()
    for t, begins in edges_of(operations, begins_first):
        flight.change(t, 1 if begins else -1)
    assert flight.peak == peak_of(operations)
    assert flight.now == sum(o.end is None for o in operations)
    assert flight.late == 0


def check_line(line: TimeLine, operations: list[Operation], until: int) -> None:
    edges = {t for o in operations for t in (o.begin, o.end) if t is not None}
    for place, (highest, last) in enumerate(zip(line.highest, line.last, strict=True)):
        start = line.start + place * line.width
        end = min(start + line.width, until)
        moments = {start, *(t for t in edges if start <= t < end)}
        assert highest == max(in_flight_at(t, operations) for t in moments)
        assert last == in_flight_at(end - 1, operations)


@settings(deadline=None, max_examples=300)
@given(
    operations_within(40) | spread,
    st.sampled_from([1, 512, 1024, 10**6]),
    st.integers(1, 9),
    st.integers(-60, 60),
    st.booleans(),
)
def test_the_time_line_has_the_highest_and_last_number_of_each_bucket(
    drawn: list[Operation], scale: int, size: int, ahead: int, begins_first: bool
) -> None:
    # Multiples of the bucket's width, which is a power of two, put edges on its bounds.
    operations = [Operation(o.begin * scale, None if o.end is None else o.end * scale) for o in drawn]
    flight = InFlight(size)
    edges = edges_of(operations, begins_first)
    for t, begins in edges:
        flight.change(t, 1 if begins else -1)
    until = max(0, edges[-1][0] + ahead * scale) if edges else ahead
    line = flight.line(until)
    if line is None:
        assert not operations
        return
    assert 1 <= len(line.highest) == len(line.last) <= size
    until = max(until, edges[-1][0] + 1)
    assert line.start % line.width == 0
    assert line.start <= edges[0][0] < line.start + line.width
    assert (
        line.start + (len(line.highest) - 1) * line.width
        < until
        <= line.start + len(line.highest) * line.width
    )
    assert max(line.highest) == peak_of(operations)
    check_line(line, operations, until)


@relaxed
@given(crowded, st.integers(0, 100))
def test_reading_the_time_line_changes_nothing(operations: list[Operation], until: int) -> None:
    read, unread = InFlight(4), InFlight(4)
    for t, begins in edges_of(operations, True):
        for flight in (read, unread):
            flight.change(t * 500, 1 if begins else -1)
        read.line(until * 1000)
    assert read.line() == unread.line()


def test_the_time_line_of_a_long_run_is_as_fine_as_its_size_allows() -> None:
    flight = InFlight()
    for second in range(3600):
        flight.change(second * 10**9, 1)
        flight.change(second * 10**9 + 10**8, -1)
    line = flight.line()
    assert line is not None
    assert 120 <= len(line.highest) <= 240
    assert set(line.highest) == {1}


def test_touching_operations_do_not_overlap() -> None:
    flight = InFlight()
    flight.change(10, 1)
    flight.change(20, 1)
    flight.change(20, -1)
    flight.change(30, -1)
    assert flight.peak == 1


def test_the_peak_counts_what_began_last() -> None:
    flight = InFlight()
    flight.change(10, 1)
    assert (flight.now, flight.peak) == (1, 1)
    flight.change(11, 1)
    assert (flight.now, flight.peak) == (2, 2)


def test_a_clock_that_runs_backwards_is_counted_and_not_followed() -> None:
    flight = InFlight()
    flight.change(100, 1)
    flight.change(50, 1)
    flight.change(-7, -1)
    flight.change(200, -1)
    assert (flight.now, flight.late) == (0, 2)
