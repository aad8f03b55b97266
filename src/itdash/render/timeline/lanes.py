"""The lanes of the timeline: what each worker ran, the marks, how many of each operation were in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.charts import axis, spark
from itdash.render.concurrency import levels
from itdash.render.spans import pad
from itdash.render.text import columns, cut, one_line
from itdash.state.lanes import OUTCOMES, edges_of

if TYPE_CHECKING:
    from itdash.render.concurrency import Level
    from itdash.render.paint import Paint
    from itdash.render.spans import Span, Spans
    from itdash.render.timeline.scenes import Scene
    from itdash.state.lanes import Lane, Lanes
    from itdash.state.run import RunState

_NAME_LEAST, _NAME_MOST = 6, 18
_NAMED: Final = 5
_DENSE: Final = ("▁▂▃▄▅▆▇█", ":%#")
_OF_OUTCOME: Final = {
    "passed": "passed", "failed": "failed", "error": "failed", "crashed": "crashed", "timed out": "crashed",
    "interrupted": "crashed", "flaky": "flaky", "rerun": "flaky", "running": "running",
}  # fmt: skip
ROLES: Final = tuple(_OF_OUTCOME.get(word, "skipped") for word in OUTCOMES)
_SIGNED: Final = frozenset({"failed", "crashed", "flaky"})


class Row(NamedTuple):
    """What one line is about: a `lane` of tests, the `marks`, or an operation's `level`."""

    title: str
    lane: Lane | None = None
    level: Level | None = None


def rows(lanes: Lanes, state: RunState) -> list[Row]:
    """Lanes of tests, then the marks, then the operations as they began, so that none changes its place."""
    named = lanes.named
    found = [Row(one_line(lane.name) or ("main" if len(named) > 1 else "tests"), lane) for lane in named]
    if lanes.marks:
        found.append(Row("marks"))
    order = {name: place for place, name in enumerate(state.operations.operations)}
    found_levels = sorted(levels(state), key=lambda level: order[level.name])
    return found + [Row(one_line(level.name), level=level) for level in found_levels]


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
            away = low == 0 or has_crashed(lane, low)
            return ("frame", (" " if away else paint.glyph("pending")) * wide)
        role = ROLES[lane.outcomes[low]]
        return (role, _bar(scene.state.ids.get(lane.numbers[low], ""), role, wide, paint))

    def _dense(self, low: int, high: int, left: int, right: int, scene: Scene) -> Span:
        """A column of several tests: the worst of them, and for which part of the time any ran."""
        lane = self.lane
        role = ROLES[lane.worst(low, high)]
        if role in _SIGNED:
            return (role, scene.paint.glyph(role))
        signs = _DENSE[scene.paint.ascii]
        busy = lane.busy_of(low, high, left, right, scene.now) * len(signs) // (right - left)
        return (role, signs[min(len(signs) - 1, busy)])


def has_crashed(lane: Lane, place: int) -> bool:
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
