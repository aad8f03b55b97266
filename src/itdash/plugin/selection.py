"""Leaves out of a collection what itdash was told to leave out."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.mark import KeywordMatcher, MarkMatcher
from _pytest.mark.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.orders import Group, Selection


def apply(
    selection: Selection, items: list[pytest.Item], tell: Callable[[str], None] = lambda _: None
) -> list[pytest.Item]:
    """Keep in `items` what is selected and not done yet; return what was deselected."""
    out: list[pytest.Item] = []
    if selection.groups or selection.only is not None:
        wanted = [_test(group) for group in selection.groups] or [lambda _: True]
        chosen = [item for item in items if any(test(item) for test in wanted)]
        kept = chosen if selection.only is None else _named(selection.only, chosen, tell)
        ids = set(map(id, kept))
        out = [item for item in items if id(item) not in ids]
        items[:] = kept
    if selection.done:
        items[:] = [item for item in items if item.nodeid not in selection.done]
    return out


def _named(only: frozenset[str], items: list[pytest.Item], tell: Callable[[str], None]) -> list[pytest.Item]:
    """The tests that are named by their ids, or by their places: an absolute path and the rest of the id."""
    root = str(items[0].config.rootpath) if items else ""
    whole = cache(lambda file: os.path.normpath(os.path.join(root, file)))

    def is_named(item: pytest.Item) -> bool:
        file, mark, rest = item.nodeid.partition("::")
        return item.nodeid in only or f"{whole(file)}{mark}{rest}" in only

    kept = [item for item in items if is_named(item)]
    # What failed last is named by places; where none of that is left, more is meant than nothing.
    if kept or not items or not any(map(os.path.isabs, only)):
        return kept
    which = "the 1 test" if len(only) == 1 else f"the {len(only):,} tests"
    tell(f"none of {which} that failed last is among these; all run")
    return items


def check(selection: Selection) -> None:
    """Refuse an expression that is none before any worker starts, which would die of it."""
    for group in selection.groups:
        if group.kind != "path":
            _compiled(group)


def _test(group: Group) -> Callable[[pytest.Item], bool]:
    picks = _picks(group)
    return lambda item: any(_is_below(str(item.path), place) for place in group.below) and picks(item)


def _picks(group: Group) -> Callable[[pytest.Item], bool]:
    if group.kind == "path":
        file, _, inside = group.expression.partition("::")
        return lambda item: _is_below(str(item.path), file) and _is_inside(item.nodeid, inside)
    expression = _compiled(group)
    match = _marks if group.kind == "mark" else KeywordMatcher.from_item
    return lambda item: expression.evaluate(match(item))


def _compiled(group: Group) -> Expression:
    try:
        return Expression.compile(group.expression)
    except Exception as error:  # which one depends on the version of pytest
        raise pytest.UsageError(f"{group.named}: wrong expression {group.expression!r}: {error}") from None


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
