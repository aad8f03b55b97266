"""The run over time: what each worker ran, the marks, and how many of each operation were in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.charts import axis, moment, spark
from itdash.render.concurrency import levels
from itdash.render.spans import pad, spread
from itdash.render.spans import width as wide
from itdash.render.text import columns, cut, one_line
from itdash.render.words import count, seconds
from itdash.state.lanes import OUTCOMES, column_of, edges_of

if TYPE_CHECKING:
    from itdash.render.concurrency import Level
    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.state.lanes import Lane, Lanes
    from itdash.state.run import RunState

LEAST_SPAN: Final = 1_000
"""So many nanoseconds are seen at least, one for each column of any screen."""

_NAME_LEAST, _NAME_MOST = 6, 18
_NAMED: Final = 5
_ID_LEAST: Final = 16
_DENSE: Final = ("▁▂▃▄▅▆▇█", ":%#")
_OF_OUTCOME: Final = {
    "passed": "passed", "failed": "failed", "error": "failed", "crashed": "crashed", "timed out": "crashed",
    "interrupted": "crashed", "flaky": "flaky", "rerun": "flaky", "running": "running",
}  # fmt: skip
_ROLES: Final = tuple(_OF_OUTCOME.get(word, "skipped") for word in OUTCOMES)
_SIGNED: Final = frozenset({"failed", "crashed", "flaky"})


class Row(NamedTuple):
    """What one line is about: a `lane` of tests, the `marks`, or an operation's `level`."""

    title: str
    lane: Lane | None = None
    level: Level | None = None


class Reach(NamedTuple):
    """From when to when there is something to see."""

    first: int
    last: int


class View(NamedTuple):
    """The part of the time that a reader looks at; 0 for all of it."""

    span: int = 0
    start: int = 0
    follows: bool = True
    """Whether it goes with the end of the run."""

    def bounds(self, reach: Reach) -> Reach:
        """What is seen, within what there is."""
        whole = reach.last - reach.first
        if not 0 < self.span < whole:
            return reach
        start = reach.last - self.span if self.follows else self.start
        start = max(reach.first, min(start, reach.last - self.span))
        return Reach(start, start + self.span)

    def zoomed(self, closer: bool, around: int | None, reach: Reach) -> View:
        """Half of it, or twice as much; a moment given stays where it is seen."""
        seen = self.bounds(reach)
        before = seen.last - seen.first
        span = max(LEAST_SPAN, before // 2) if closer else before * 2
        if span >= reach.last - reach.first:
            return View()
        if around is None and self.follows:
            return View(span)
        fixed = seen.first + before // 2 if around is None else max(seen.first, min(around, seen.last))
        start = fixed - (fixed - seen.first) * span // before
        return View(span, View(span, start, False).bounds(reach).first, False)

    def scrolled(self, by: int, reach: Reach) -> View:
        """The same, earlier or later; it follows no longer."""
        seen = self.bounds(reach)
        if seen == reach:
            return self
        return View(self.span, View(self.span, seen.first + by, False).bounds(reach).first, False)


class Scene(NamedTuple):
    """What is seen, in how many columns, and what it is drawn from."""

    seen: Reach
    places: int
    state: RunState
    now: int
    paint: Paint

    def edge(self, column: int) -> int:
        """When a column begins."""
        return self.seen.first + (self.seen.last - self.seen.first) * column // self.places

    def column(self, t: int) -> int:
        """The column of a moment, which may lie outside."""
        return column_of(t, self.seen.first, self.seen.last - self.seen.first, self.places)


def rows(lanes: Lanes, state: RunState) -> list[Row]:
    """Lanes of tests, then the marks, then the operations as they began, so that none changes its place."""
    named = lanes.named
    found = [Row(one_line(lane.name) or ("main" if len(named) > 1 else "tests"), lane) for lane in named]
    if lanes.marks:
        found.append(Row("marks"))
    order = {name: place for place, name in enumerate(state.operations.operations)}
    found_levels = sorted(levels(state), key=lambda level: order[level.name])
    return found + [Row(one_line(level.name), level=level) for level in found_levels]


def reach(lanes: Lanes, state: RunState, now: int) -> Reach:
    """From the first test on; while the run goes on, to a moment that moves in steps."""
    totals = [operation.total for operation in state.operations.operations.values()]
    firsts = [lanes.first, *(total.first for total in totals)]
    first = min((t for t in firsts if t >= 0), default=0)
    if state.finished is None:
        span = max(now - first, LEAST_SPAN)
        step = 1 << max(0, span.bit_length() - 6)
        return Reach(first, first + (span // step + 1) * step)
    last = max([lanes.last(state.finished.t), *(total.last for total in totals)])
    return Reach(first, max(last, first + LEAST_SPAN))


def name_width(found: list[Row], width: int) -> int:
    """How many columns stand before the lanes."""
    longest = max((columns(row.title) for row in found), default=0)
    return max(_NAME_LEAST, min(_NAME_MOST, width // 4, longest + 1)) + 2


def head(scene: Scene, column: int, before: int) -> Spans:
    """The axis, with a sign where the cursor is."""
    text = axis(scene.seen.first, scene.seen.last, scene.places, scene.paint)
    spans: Spans = [("plain", " " * before)]
    if not 0 <= column < scene.places:
        return [*spans, ("dim", text)]
    sign = "v" if scene.paint.ascii else "▼"
    return [*spans, ("dim", text[:column]), ("key", sign), ("dim", text[column + 1 :])]


def title(row: Row, chosen: bool, before: int, paint: Paint) -> Spans:
    """What stands before a lane."""
    sign = paint.glyph("closed") if chosen else " "
    return [("key", sign), ("strong" if chosen else "plain", pad(row.title, before - 1, paint.glyph("cut")))]


class TestsDrawing:
    """Draws a lane of tests, and draws again only the columns in which something can have changed."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._of: tuple[object, ...] = ()
        self._pieces: list[Span] = []
        self._upto = 0  # the column before which the pieces stay as they are

    def draw(self, scene: Scene) -> Spans:
        """The lane in the columns of the scene."""
        lane, (start, end) = self.lane, scene.seen
        of = (start, end, scene.places, lane.revised)
        if of != self._of:
            self._of, self._pieces, self._upto = of, [], 0
        pieces, column, lasts = self._pieces.copy(), self._upto, True
        edges = edges_of(start, end, scene.places)
        for stretch in lane.stretches(start, end, scene.places, scene.now, column):
            wide, low, high = stretch
            if high - low > 1:
                pieces.append(self._dense(low, high, edges[column], edges[column + 1], scene))
            else:
                pieces.append(self._piece(wide, low, high, scene))
            column += wide
            # The test that runs may grow, and the one before it give its last column to it.
            lasts = lasts and high < len(lane.starts) - 1
            if lasts:
                self._pieces.append(pieces[-1])
                self._upto = column
        return _joined(pieces)

    def _piece(self, wide: int, low: int, high: int, scene: Scene) -> Span:
        """Columns of one test, or of none."""
        lane, paint = self.lane, scene.paint
        if low == high:
            away = low == 0 or _gone(lane, low)
            return ("frame", (" " if away else paint.glyph("pending")) * wide)
        role = _ROLES[lane.outcomes[low]]
        return (role, _bar(scene.state.ids.get(lane.numbers[low], ""), role, wide, paint))

    def _dense(self, low: int, high: int, left: int, right: int, scene: Scene) -> Span:
        """A column of several tests: the worst of them, and for which part of the time any ran."""
        lane = self.lane
        role = _ROLES[lane.worst(low, high)]
        if role in _SIGNED:
            return (role, scene.paint.glyph(role))
        signs = _DENSE[scene.paint.ascii]
        busy = lane.busy_of(low, high, left, right, scene.now) * len(signs) // (right - left)
        return (role, signs[min(len(signs) - 1, busy)])


def _gone(lane: Lane, place: int) -> bool:
    """Whether nothing can run any more where the next test would have this place."""
    return place == len(lane.starts) and bool(place) and OUTCOMES[lane.outcomes[-1]] == "crashed"


def _bar(id: str, role: str, wide: int, paint: Paint) -> str:
    """One test: the sign of its outcome, its name where there is room, and a line as long as it took."""
    sign = paint.glyph(role)
    fill = "=" if paint.ascii else "━"
    if wide <= _NAMED:
        return sign + fill * (wide - 1)
    name = cut(short_name(id), wide - 2, paint.glyph("cut"))
    rest = wide - columns(sign) - columns(name) - 1
    return f"{sign} {name}" + (f" {fill * (rest - 1)}" if rest > 1 else " " * rest)


def short_name(id: str) -> str:
    """The last part of a node id; what stands in brackets may hold the sign between its parts."""
    before, bracket, rest = id.partition("[")
    return one_line(before.rpartition("::")[2] + bracket + rest)


def cut_front(text: str, room: int, sign: str) -> str:
    """The end of a text, for node ids differ there; the sign stands for what is missing."""
    over = columns(text) - room
    if over <= 0:
        return text
    place, wanted = 0, over + columns(sign)
    while place < len(text) and columns(text[:place]) < wanted:
        place += 1
    return sign + text[place:] if room >= columns(sign) else ""


def draw_level(level: Level, scene: Scene) -> Spans:
    """How many were in flight over time; where they reached their limit, others may have waited."""
    values = level.values(*scene.seen, scene.places, scene.now)
    text = spark(values, max(level.peak, level.limit), scene.paint.ascii)
    pieces: Spans = []
    for value, sign in zip(values, text, strict=True):
        role = "chart"
        if level.limit and value >= level.limit:
            role = "broken" if value > level.limit else "limit"
        pieces.append((role, sign))
    return _joined(pieces)


def draw_marks(lanes: Lanes, scene: Scene) -> Spans:
    """A sign in every column in which something was marked."""
    signs = [" "] * scene.places
    for t, _ in lanes.marks:
        column = scene.column(t)
        if 0 <= column < scene.places:
            signs[column] = scene.paint.glyph("mark")
    return [("key", "".join(signs))]


def _joined(pieces: Spans) -> Spans:
    joined: Spans = []
    for role, text in pieces:
        if joined and joined[-1][0] == role:
            joined[-1] = (role, joined[-1][1] + text)
        else:
            joined.append((role, text))
    return joined


# -- what is under the cursor --


def told(row: Row, lanes: Lanes, column: int, width: int, scene: Scene) -> Spans:
    """What went on in a lane during a column, in one line."""
    left, right = scene.edge(column), scene.edge(column + 1)
    when: Spans = [("dim", f"at {moment(left, 10 ** max(3, len(str(right - left)) - 1))}  ")]
    if row.level is not None:
        return when + _told_level(row.level, left, right, scene)
    if row.lane is None:
        texts = [one_line(text) for t, text in lanes.marks if left <= t < right]
        return when + (
            [("key", scene.paint.glyph("mark")), ("plain", f" {', '.join(texts)}")] if texts else []
        )
    low, high = row.lane.seen(left, right)
    if low == high:
        return when + _told_idle(row.lane, lanes, left, low, scene)
    if high - low == 1:
        return _told_test(row.lane, low, width, scene)
    return _told_many(row.lane, low, high, width, when, scene)


def worst_place(lane: Lane, low: int, high: int) -> int:
    """The first of several tests with the worst outcome."""
    return lane.outcomes.find(lane.worst(low, high), low, high)


def _told_test(lane: Lane, place: int, width: int, scene: Scene) -> Spans:
    code = lane.outcomes[place]
    role = _ROLES[code]
    began, took = lane.starts[place], lane.end(place, scene.now) - lane.starts[place]
    times: Spans = [("dim", f"  began {moment(began, 10**6)}  took {seconds(took)}")]
    figures: Spans = [("plain", "  "), (role, f"{scene.paint.glyph(role)} {OUTCOMES[code]}")]
    if wide(times) + wide(figures) + _ID_LEAST <= width:
        figures = times + figures
    id = one_line(scene.state.ids.get(lane.numbers[place], "(its name was lost)"))
    room = max(0, width - wide(figures))
    sign = scene.paint.glyph("cut")
    return spread([("plain", cut_front(id, room, sign))], figures, width, sign)


def _told_many(lane: Lane, low: int, high: int, width: int, when: Spans, scene: Scene) -> Spans:
    spans: Spans = [*when, ("plain", count(high - low, "test") + ":")]
    for code in range(len(OUTCOMES) - 1, -1, -1):
        number = lane.outcomes.count(code, low, high)
        if number:
            role = _ROLES[code]
            spans.append((role, f"  {scene.paint.glyph(role)} {number:,} {OUTCOMES[code]}"))
    id = one_line(scene.state.ids.get(lane.numbers[worst_place(lane, low, high)], ""))
    room = width - wide(spans) - 2
    return [*spans, ("dim", "  " + cut_front(id, room, scene.paint.glyph("cut")))] if room > 10 else spans


def _told_idle(lane: Lane, lanes: Lanes, t: int, place: int, scene: Scene) -> Spans:
    """That nothing ran before the test at a place, for how long, and what the others did."""
    if t > scene.now:
        return [("dim", "not yet")]
    if _gone(lane, place):
        return [("crashed", f"{scene.paint.glyph('crashed')} its process has crashed")]
    until = lane.starts[place] if place < len(lane.starts) else scene.now
    idle = f" for {seconds(max(0, until - lane.end(place - 1, scene.now)))}" if place else ", no test yet"
    busy = []
    for other in lanes.named:
        low, high = other.between(t, t + 1)
        if high > low:
            name = short_name(scene.state.ids.get(other.numbers[low], ""))
            busy.append(f"{one_line(other.name) or 'main'} {name}")
    meanwhile = f"; meanwhile {', '.join(busy)}" if busy else ""
    return [("plain", "idle"), ("dim", idle + meanwhile)]


def _told_level(level: Level, left: int, right: int, scene: Scene) -> Spans:
    value = level.values(left, right, 1, scene.now)[0]
    spans: Spans = [("strong", f"{value:,}"), ("plain", " in flight"), ("dim", f"  peak {level.peak:,}")]
    if level.limit:
        sign = scene.paint.glyph("failed" if level.broken else "passed")
        spans.append(("broken" if level.broken else "limit", f"  limit {level.limit:,} {sign}"))
        if value == level.limit:
            spans.append(("dim", "  at its limit: others may have waited"))
    return spans
