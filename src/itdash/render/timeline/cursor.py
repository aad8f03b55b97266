"""What went on under the cursor of the timeline, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render.charts import moment
from itdash.render.spans import spread
from itdash.render.spans import width as wide
from itdash.render.text import cut_front, one_line
from itdash.render.timeline.lanes import ROLES, has_crashed, short_name
from itdash.render.words import count, seconds
from itdash.state.lanes import OUTCOMES

if TYPE_CHECKING:
    from itdash.render.concurrency import Level
    from itdash.render.spans import Spans
    from itdash.render.timeline.lanes import Row
    from itdash.render.timeline.scenes import Scene
    from itdash.state.lanes import Lane, Lanes

_ID_LEAST: Final = 16


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
    role = ROLES[code]
    began, took = lane.starts[place], lane.end(place, scene.now) - lane.starts[place]
    times: Spans = [("dim", f"  began {moment(began, 10**6)}  took {seconds(took, scene.paint.ascii)}")]
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
            role = ROLES[code]
            spans.append((role, f"  {scene.paint.glyph(role)} {number:,} {OUTCOMES[code]}"))
    id = one_line(scene.state.ids.get(lane.numbers[worst_place(lane, low, high)], ""))
    room = width - wide(spans) - 2
    return [*spans, ("dim", "  " + cut_front(id, room, scene.paint.glyph("cut")))] if room > 10 else spans


def _told_idle(lane: Lane, lanes: Lanes, t: int, place: int, scene: Scene) -> Spans:
    """That nothing ran before the test at a place, for how long, and what the others did."""
    if t > scene.now:
        return [("dim", "not yet")]
    if has_crashed(lane, place):
        return [("crashed", f"{scene.paint.glyph('crashed')} its process has crashed")]
    until = lane.starts[place] if place < len(lane.starts) else scene.now
    length = seconds(max(0, until - lane.end(place - 1, scene.now)), scene.paint.ascii) if place else ""
    idle = f" for {length}" if place else ", no test yet"
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
    if level.grain(scene.now) > 2 * (right - left):
        told = f"  the most in {seconds(level.grain(scene.now), scene.paint.ascii)}: nothing finer is kept"
        spans.append(("near", told))
    return spans
