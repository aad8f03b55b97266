"""Leaves out of a collection what itdash was told to leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from _pytest.mark import KeywordMatcher, MarkMatcher
from _pytest.mark.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.orders import Group, Selection


def apply(selection: Selection, items: list[pytest.Item]) -> list[pytest.Item]:
    """Keep in `items` what is selected and not done yet; return what was deselected."""
    out: list[pytest.Item] = []
    if selection.groups or selection.only is not None:
        wanted = [_test(group) for group in selection.groups] or [lambda _: True]
        only = selection.only
        kept: list[pytest.Item] = []
        for item in items:
            chosen = (only is None or item.nodeid in only) and any(test(item) for test in wanted)
            (kept if chosen else out).append(item)
        items[:] = kept
    if selection.done:
        items[:] = [item for item in items if item.nodeid not in selection.done]
    return out


def _test(group: Group) -> Callable[[pytest.Item], bool]:
    picks = _picks(group)
    return lambda item: any(_is_below(str(item.path), place) for place in group.below) and picks(item)


def _picks(group: Group) -> Callable[[pytest.Item], bool]:
    if group.kind == "path":
        file, _, inside = group.expression.partition("::")
        return lambda item: _is_below(str(item.path), file) and _is_inside(item.nodeid, inside)
    try:
        expression = Expression.compile(group.expression)
    except Exception as error:  # which one depends on the version of pytest
        raise pytest.UsageError(f"wrong expression {group.expression!r} in a group: {error}") from None
    match = _marks if group.kind == "mark" else KeywordMatcher.from_item
    return lambda item: expression.evaluate(match(item))


def _marks(item: pytest.Item) -> Any:
    matcher: Any = MarkMatcher
    if hasattr(matcher, "from_markers"):
        return matcher.from_markers(item.iter_markers())
    return matcher.from_item(item)  # pytest 8.2


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")


def _is_inside(nodeid: str, inside: str) -> bool:
    rest = nodeid.partition("::")[2]
    return not inside or rest == inside or rest.startswith((f"{inside}::", f"{inside}["))
