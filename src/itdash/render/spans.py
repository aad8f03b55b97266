"""A line as pieces of text, each with a role; measured, cut and filled in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.render.text import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Span = tuple[str, str]
"""A role and a text; the text is inert already and stands on one line."""

Spans = list[Span]


def width(spans: Iterable[Span]) -> int:
    """How many columns a line takes."""
    return sum(columns(text) for _, text in spans)


def plain(spans: Iterable[Span]) -> str:
    """The text without its roles."""
    return "".join(text for _, text in spans)


def fit(spans: Sequence[Span], room: int, sign: str = "…") -> Spans:
    """The line in exactly `room` columns: cut with a sign where it is longer, filled where it is shorter."""
    used = 0
    fitted: Spans = []
    for place, (role, text) in enumerate(spans):
        wide = columns(text)
        if used + wide > room or (used + wide == room and _more(spans, place)):
            rest = "".join(text for _, text in spans[place:])
            short = cut(rest, room - used, sign) if columns(rest) > room - used else rest
            fitted.append((role, short))
            used += columns(short)
            break
        fitted.append((role, text))
        used += wide
    if used < room:
        fitted.append(("plain", " " * (room - used)))
    return fitted


def _more(spans: Sequence[Span], place: int) -> bool:
    return any(text.strip() for _, text in spans[place + 1 :])


def spread(left: Sequence[Span], right: Sequence[Span], room: int, sign: str = "…") -> Spans:
    """One part at the left, which is cut where it must be, and one at the right end."""
    taken = width(right)
    if taken >= room:
        return fit(right, room, sign)
    return [*fit(left, room - taken, sign), *right]


def pad(text: str, room: int, sign: str = "…") -> str:
    """The text in exactly `room` columns, at the left of them."""
    wide = columns(text)
    if wide > room:
        text = cut(text, room, sign)
        wide = columns(text)
    return text + " " * (room - wide)


def push(text: str, room: int) -> str:
    """The text at the right end of `room` columns."""
    return " " * (room - columns(text)) + text


def blanks_last(spans: Iterable[Span]) -> Iterator[Span]:
    """The same line with blanks at the ends of pieces: pictures of a screen may lose those at the start."""
    held: Span | None = None
    for role, text in spans:
        rest = text.lstrip(" ") if held else text
        if held and len(rest) < len(text):
            held = (held[0], held[1] + text[: len(text) - len(rest)])
        if held and rest:
            yield held
        if rest:
            held = (role, rest)
    if held is not None:
        yield held
