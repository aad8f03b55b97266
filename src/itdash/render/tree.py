"""One line of the tree of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render import words
from itdash.render.spans import push, spread
from itdash.render.spans import width as wide
from itdash.render.text import columns, cut, cut_front, one_line
from itdash.state.outline import FAILING, OTHER, PASSED, RUNNING

if TYPE_CHECKING:
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.outline import Node

_BAR, _SHORT_BAR = 8, 5
_TIME: Final = 7
_COUNTS: Final = 9
_SHORTENED: Final = 12
_NARROWER, _NARROW, _WIDE, _WIDER = 28, 46, 58, 76

_WORDS: Final = {
    "passed": "passed", "failed": "failed", "error": "failed", "crashed": "crashed", "timed out": "crashed",
    "interrupted": "crashed", "skipped": "skipped", "xfailed": "skipped", "xpassed": "skipped",
}  # fmt: skip


def look(node: Node) -> str:
    """The role of a node, which also names its glyph."""
    if node.counts is not None:
        if node.counts[FAILING]:
            return "failed"
        if node.counts[RUNNING]:
            return "running"
        if node.ended < node.total or not node.total:
            return "pending"
        return "passed" if node.counts[PASSED] or not node.counts[OTHER] else "skipped"
    if node.bucket == RUNNING:
        return "running"
    case = node.case
    if case is None or case.outcome in ("", "not run"):
        return "pending"
    return "flaky" if case.flaky else _WORDS.get(case.outcome, "skipped")


def line(node: Node, width: int, now: int, longest: int, paint: Paint, forced: bool = False) -> Spans:
    """A node in exactly so many columns; `longest` is the duration that fills a bar, `now` gives ages."""
    role = look(node)
    twisty = " "
    if node.children is not None:
        twisty = paint.glyph("open" if node.expanded or forced else "closed")
    text = "stale" if node.stale and node.bucket != RUNNING else _role_of_name(node, role)
    mark = [("key", paint.glyph("mark"))] if node.marked else [("plain", " ")]
    left: Spans = [
        *mark, ("plain", "  " * node.depth), ("dim", f"{twisty} "),
        ("stale" if node.stale and role not in ("running", "failed", "crashed") else role, paint.glyph(role)),
        ("plain", " "), (text, one_line(node.name)),
    ]  # fmt: skip
    figures = _figures(node, width, now, longest, paint)
    if node.now is not None and not (node.expanded or forced):
        left += [("dim", "  "), ("running", one_line(node.now.name))]
    elif node.children is None:
        room = width - wide(left[:-1]) - wide(figures)
        left[-1] = (text, _shortened(one_line(node.name), room, paint.glyph("cut")))
    return spread(left, figures, width, paint.glyph("cut"))


def _shortened(name: str, room: int, sign: str) -> str:
    """A name of which what stands in brackets is kept, for in that its neighbours differ."""
    before, bracket, rest = name.partition("[")
    if not bracket or columns(name) <= room or room < _SHORTENED:
        return name
    inner = cut_front(bracket + rest, room * 2 // 3, sign)
    return cut(before, room - columns(inner), "" if inner.startswith(sign) else sign) + inner


def _role_of_name(node: Node, role: str) -> str:
    if role in ("failed", "crashed", "running", "flaky"):
        return role if node.children is None else ("strong" if node.depth == 0 else "plain")
    if node.depth == 0 and node.children is not None:
        return "strong"
    return "dim" if role in ("pending", "skipped") else "plain"


def _figures(node: Node, width: int, now: int, longest: int, paint: Paint) -> Spans:
    spans: Spans = [("plain", " ")]
    if node.counts is not None:
        if failing := node.counts[FAILING]:
            spans.append(("failed", f"{paint.glyph('failed')}{failing:,} "))
        if width >= _NARROWER:
            spans.append(("dim", push(f"{node.ended:,}/{node.total:,}", _COUNTS if width >= _NARROW else 0)))
    elif node.case is not None and node.case.attempts > 1:
        spans.append(("flaky", f"x{node.case.attempts}"))
    if width < _NARROWER:
        return spans
    duration = _duration(node, now)
    time = words.seconds(duration, paint.ascii) if duration else ""
    role = "running" if node.bucket == RUNNING and node.counts is None else "dim"
    spans.append((role, push(time, _TIME + 1)))
    if width >= _WIDE:
        places = _BAR if width >= _WIDER else _SHORT_BAR
        spans.append(("chart", _bar(duration if node.counts is None else 0, longest, places, paint)))
    return spans


def _duration(node: Node, now: int) -> int:
    if node.counts is None and node.bucket == RUNNING:
        return max(0, now - node.started)
    return node.duration


def _bar(duration: int, longest: int, places: int, paint: Paint) -> str:
    filled = min(places, -(-duration * places // longest)) if longest and duration * 50 > longest else 0
    text = " " + paint.glyph("bar") * filled
    return text + " " * (places + 1 - columns(text))
