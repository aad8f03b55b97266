"""The sections of a test: their names, which of them tell something, and their lines in a width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.render.detail import budgets_of, operations_of
from itdash.render.failures import detail_of
from itdash.render.inspect.output import printed
from itdash.render.spans import width as wide
from itdash.render.text import columns, cut
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.state.outline import Node
    from itdash.state.run import RunState

SECTIONS: Final = ("Failure", "Output", "Measured", "Requirements", "Stages", "History", "Stacks")
FAILURE, OUTPUT, MEASURED, REQUIREMENTS, STAGES, HISTORY, STACKS = range(7)

_BROKEN: Final = frozenset({"failed", "rerun"})
_HANG: Final = 4
_WAITING: Final = "it has not ended yet"


def tabs(current: int, filled: Iterable[int], paint: Paint) -> Spans:
    """The names of the sections: the chosen one in brackets, those with nothing to tell dim."""
    spans: Spans = []
    telling = set(filled)
    for place, name in enumerate(SECTIONS):
        between = "[" if place == current else "]" if place == current + 1 else " "
        mark = "" if place in telling else paint.glyph("dot")
        role = "title" if place == current else "plain" if place in telling else "dim"
        spans += [("title", between), (role, f"{place + 1} {name}{mark}")]
    return [*spans, ("title", "]" if current == len(SECTIONS) - 1 else "")]


def filled(node: Node, state: RunState) -> set[int]:
    """The places of the sections that have something to tell."""
    case = node.case
    found = {STAGES, HISTORY}
    if budgets_of(node, state) or operations_of(node, state):
        found.add(MEASURED)
    if node.id in state.requirements.claims:
        found.add(REQUIREMENTS)
    if case is None or not case.outcome:
        return found
    if case.failing or case.cause or any(report.outcome in _BROKEN for report in case.reports):
        found.add(FAILURE)
    if any(printed(detail_of(stage.detail)) for stage in last_attempt(case).values()):
        found.add(OUTPUT)
    return found | ({STACKS} if case.stacks else set())


def first_section(node: Node, state: RunState) -> int:
    """What a reader wants to see first of this test."""
    telling = filled(node, state)
    if FAILURE in telling:
        return FAILURE
    return MEASURED if MEASURED in telling else STAGES


def hint(section: int, node: Node) -> str:
    """What to say where a section has nothing to tell."""
    case = node.case
    ended = case is not None and bool(case.outcome)
    if section == FAILURE:
        return "nothing failed in it" if ended else _WAITING
    if section == OUTPUT:
        return "nothing was captured" if ended else _WAITING
    if section == MEASURED:
        return 'nothing was measured in it: with probe.operation("name"): around what should be'
    if section == REQUIREMENTS:
        return 'it names none in this run: @pytest.mark.requirement("id") above the test does'
    if section == STAGES:
        return "no stage was reported" if ended else _WAITING
    if section == HISTORY:
        return "no run that is kept knows it"
    return "only tests that crashed or timed out have stacks"


def wrapped(lines: Iterable[Spans], width: int) -> list[Spans]:
    """Lines of at most so many columns; what does not fit goes on below, further to the right."""
    room = max(_HANG + 1, width)
    found: list[Spans] = []
    for line in lines:
        if wide(line) <= room:
            found.append(line)
        else:
            found += _broken(line, room)
    return found


def _broken(line: Spans, room: int) -> Iterator[Spans]:
    current: Spans = []
    left = room
    for role, text in line:
        rest = text
        while rest:
            piece = cut(rest, left, "") or (rest[0] if left == room - _HANG else "")
            if piece:
                current.append((role, piece))
                left -= columns(piece)
                rest = rest[len(piece) :]
            if rest:
                blank = piece.rfind(" ") + 1
                if blank > room // 2 and rest[0] != " ":  # better between words
                    current[-1] = (role, piece[:blank])
                    rest = piece[blank:] + rest
                yield current
                current, left = [("plain", " " * _HANG)], room - _HANG
    yield current
