"""When each test ran, and where: a lane for the main process or for each worker, searched by time."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.events import model
from itdash.measure.tally import OK, Tally
from itdash.state.cases import KNOWN
from itdash.state.operations import MARKS_KEPT, SLACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OUTCOMES: Final = (
    "not run", "passed", "skipped", "xfailed", "xpassed", "rerun", "flaky", "running", "interrupted", "error",
    "failed", "timed out", "crashed",
)  # fmt: skip
"""What can become of a test while it is in a lane, the worst last; a code is a place in here."""

CODES: Final = {word: code for code, word in enumerate(OUTCOMES)}
NOT_RUN, PASSED, FLAKY, RUNNING = (CODES[word] for word in ("not run", "passed", "flaky", "running"))

_OPEN: Final = 1 << 62
_BLOCK: Final = 64


class Stretch(NamedTuple):
    """Neighbouring columns with the tests from place `low` to before `high`; with none of them, idle."""

    columns: int
    low: int
    high: int


class Lane:
    """The tests of one worker in the order of time; no two of them overlap, and none is shorter than 1 ns."""

    __slots__ = ("_before", "_worst", "ends", "name", "numbers", "outcomes", "revised", "starts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.starts, self.ends, self.numbers = array("q"), array("q"), array("q")
        self.outcomes = bytearray()
        self.revised = 0
        """How often something changed that is not the end of what is known."""
        self._before = array("q")  # how long the tests before each took together
        self._worst = bytearray()  # the worst outcome of each block of tests that is full

    def begin(self, number: int, t: int) -> int:
        """A test began; its place. One that is still open has ended by then."""
        place = len(self.starts)
        took = 0
        if place:
            if self.ends[-1] == _OPEN:
                self.finish(place - 1, t, NOT_RUN)
            t = max(t, self.ends[-1])
            took = self._before[-1] + self.ends[-1] - self.starts[-1]
        if place % _BLOCK == 0 and place:
            self._worst.append(max(self.outcomes[place - _BLOCK :]))
        self.starts.append(t)
        self.ends.append(_OPEN)
        self.numbers.append(number)
        self.outcomes.append(RUNNING)
        self._before.append(took)
        return place

    def finish(self, place: int, t: int, code: int) -> None:
        """A test ended; when another has begun there since, only its outcome is news."""
        if self.ends[place] == _OPEN:
            self.ends[place] = max(t, self.starts[place] + 1)
        self.revised += place < len(self.starts) - 1
        self.outcomes[place] = code
        block = place // _BLOCK
        if block < len(self._worst):
            self._worst[block] = max(self.outcomes[block * _BLOCK : (block + 1) * _BLOCK])

    def end(self, place: int, now: int) -> int:
        """When a test ended, or now."""
        end = self.ends[place]
        return end if end != _OPEN else max(now, self.starts[place] + 1)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The places of the tests that ran at any moment from `start` to before `end`."""
        low = bisect_right(self.ends, start)
        return low, bisect_left(self.starts, end, low)

    def seen(self, start: int, end: int) -> tuple[int, int]:
        """The same for a column of a picture, where a test that ends gives way to the one that begins."""
        low, high = self.between(start, end)
        return (high - 1, high) if high - low == 2 and self.starts[low] < start else (low, high)

    def worst(self, low: int, high: int) -> int:
        """The worst outcome from one place to before another."""
        if high - low <= 4 * _BLOCK:
            return max(self.outcomes[low:high], default=NOT_RUN)
        first, last = -(-low // _BLOCK), min(high // _BLOCK, len(self._worst))
        return max(
            max(self.outcomes[low : first * _BLOCK], default=NOT_RUN),
            max(self._worst[first:last], default=NOT_RUN),
            max(self.outcomes[last * _BLOCK : high], default=NOT_RUN),
        )

    def busy(self, start: int, end: int, now: int) -> int:
        """For how long between two moments a test ran."""
        return self.busy_of(*self.between(start, end), start, end, now)

    def busy_of(self, low: int, high: int, start: int, end: int, now: int) -> int:
        """The same where the tests between the two are known."""
        if low >= high:
            return 0
        last, began = high - 1, self.starts[low]
        ended = self.end(last, now)
        busy = self._before[last] - self._before[low] + ended - self.starts[last]
        if began < start:
            busy -= start - began
        return max(0, busy - ended + end if ended > end else busy)

    def stretches(self, start: int, end: int, places: int, now: int, column: int = 0) -> Iterator[Stretch]:
        """The columns of a picture of the time between two moments, from one on until now.

        A test has all the columns that it fills; where it ends and the next begins in the same one, that is
        the next one's. A column in which more went on stands alone with all that did.
        """
        span, starts, edges = end - start, self.starts, edges_of(start, end, places)
        ended = min(places, max(0, column_of(now, start, span, places) + 1))
        # All searches at once: one at a time they would take twice as long.
        lows = list(map(bisect_right, repeat(self.ends), edges[column:ended]))
        highs = list(map(bisect_left, repeat(starts), edges[column + 1 : ended + 1]))
        before = column
        while column < ended:
            low, high = lows[column - before], highs[column - before]
            if high - low == 2 and starts[low] < edges[column]:
                low += 1
            if low == high:
                begin = column_of(starts[low], start, span, places) if low < len(starts) else places
                until = min(ended, max(begin, column + 1))
            elif high - low > 1:
                until = column + 1
            else:
                until = min(ended, self._filled(low, column, start, span, places, now))
            yield Stretch(until - column, low, high)
            column = until

    def _filled(self, place: int, column: int, start: int, span: int, places: int, now: int) -> int:
        """The column before which a test's own columns end, at least one of them."""
        last = column_of(self.end(place, now) - 1, start, span, places)
        if place + 1 < len(self.starts) and column_of(self.starts[place + 1], start, span, places) <= last:
            last -= 1
        return max(column, last) + 1


@lru_cache(maxsize=8)
def edges_of(start: int, end: int, places: int) -> list[int]:
    """When each column begins, and when the last one ends."""
    return [start + (end - start) * place // places for place in range(places + 1)]


def column_of(t: int, start: int, span: int, places: int) -> int:
    """The column of a moment in a picture whose column n begins at `start + span * n // places`."""
    return ((t - start + 1) * places - 1) // span


class _Open:
    """A test that runs in a lane; its outcome so far, by the rules of the fold."""

    __slots__ = ("_retried", "_staged", "_word", "lane", "place", "started")

    def __init__(self, lane: Lane, place: int, started: int) -> None:
        self.lane, self.place, self.started = lane, place, started
        self._word = ""
        self._staged = self._retried = False

    def finish_stage(self, event: model.StageFinished) -> None:
        """A second setup begins an attempt anew."""
        if event.stage == "setup" and self._staged:
            self._word, self._retried = "", True
        self._staged = True
        new, word = event.category, self._word
        if new in ("", "passed"):
            self._word = word or new
        elif word != "failed":
            if new not in KNOWN and new != "rerun":
                new = event.outcome
            if word != "error" or new == "failed":
                self._word = new

    def finish_subtest(self, event: model.SubtestFinished) -> None:
        """A subtest that fails fails its test."""
        if event.outcome == "failed":
            self._word = "failed"

    @property
    def outcome(self) -> int:
        """The code when nothing more comes."""
        code = CODES.get(self._word, NOT_RUN)
        return FLAKY if self._retried and code == PASSED else code


class Lanes:
    """Kept up from the events of the run that goes on."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another run starts."""
        self.lanes: dict[str, Lane] = {}
        self.tests = Tally()
        """All tests, as the operations of the run are counted."""
        self.marks: list[tuple[int, str]] = []
        self.version = 0
        """Changes whenever a lane or a mark was added."""
        self._open: dict[int, _Open] = {}
        self._latest = 0

    @property
    def named(self) -> list[Lane]:
        """The lanes in the order of their names: gw2 before gw10."""
        return [self.lanes[name] for name in sorted(self.lanes, key=lambda name: (len(name), name))]

    @property
    def first(self) -> int:
        """When the first test began, or the first mark was set; -1 before that."""
        firsts = [lane.starts[0] for lane in self.lanes.values()]
        firsts += [self.marks[0][0]] if self.marks else []
        return min(firsts, default=-1)

    def last(self, now: int) -> int:
        """When the last test ended or the last mark was set, or now where a test runs."""
        lasts = [lane.end(len(lane.starts) - 1, now) for lane in self.lanes.values()]
        lasts += [self.marks[-1][0]] if self.marks else []
        return max(lasts, default=0)

    def take(self, events: Sequence[model.AnyEvent]) -> None:
        """Follow the events."""
        handlers = _HANDLERS
        for event in events:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(self, event)
        if events:
            self._latest = max(self._latest, events[-1].t)
            over = type(events[-1]) is model.RunFinished
            self.tests.settle(None if over else self._latest - SLACK)

    def _started(self, event: model.CaseStarted) -> None:
        lane = self.lanes.get(event.worker)
        if lane is None:
            lane = self.lanes[event.worker] = Lane(event.worker)
            self.version += 1
        if event.case in self._open:
            self._end(event.case, event.t, NOT_RUN)
        self._open[event.case] = _Open(lane, lane.begin(event.case, event.t), event.t)
        self.tests.begin(event.t)

    def _staged(self, event: model.StageFinished) -> None:
        test = self._open.get(event.case)
        if test is None:
            return
        if event.stage == "crash":
            self._end(event.case, event.t, CODES["crashed"])
        else:
            test.finish_stage(event)

    def _subtested(self, event: model.SubtestFinished) -> None:
        test = self._open.get(event.case)
        if test is not None:
            test.finish_subtest(event)

    def _finished(self, event: model.CaseFinished) -> None:
        test = self._open.get(event.case)
        if test is not None:
            self._end(event.case, event.t, test.outcome)

    def _aborted(self, event: model.CaseAborted) -> None:
        if event.case in self._open:
            self._end(event.case, event.t, CODES[event.end])

    def _end(self, number: int, t: int, code: int) -> None:
        test = self._open.pop(number)
        test.lane.finish(test.place, t, code)
        self.tests.end(t, max(0, t - test.started), OK)

    def _marked(self, event: model.MarkAdded) -> None:
        if len(self.marks) < MARKS_KEPT:
            insort(self.marks, (event.t, event.text))
            self.version += 1


_HANDLERS: dict[type, Callable[[Lanes, model.AnyEvent], None]] = {
    model.CaseStarted: Lanes._started,  # type: ignore[dict-item]
    model.StageFinished: Lanes._staged,  # type: ignore[dict-item]
    model.SubtestFinished: Lanes._subtested,  # type: ignore[dict-item]
    model.CaseFinished: Lanes._finished,  # type: ignore[dict-item]
    model.CaseAborted: Lanes._aborted,  # type: ignore[dict-item]
    model.MarkAdded: Lanes._marked,  # type: ignore[dict-item]
}
