"""Puts the files first that a run is about, and tears apart nothing that pytest has put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def arrange(tiers: Sequence[Sequence[str]], items: list[pytest.Item]) -> None:
    """Sort whole files by the tier that they stand in, told as absolute paths; the others keep their order.

    Where a fixture's parameters make pytest go through several files again and again, these stay together.
    """
    rank = {path: number for number, path in enumerate(path for tier in tiers for path in tier)}
    if not rank:
        return
    last = {str(item.path): place for place, item in enumerate(items)}
    knots: list[tuple[int, list[pytest.Item]]] = []
    end = -1
    for place, item in enumerate(items):
        path = str(item.path)
        if place > end:
            knots.append((len(rank), []))
        end = max(end, last[path])
        best, knot = knots[-1]
        knot.append(item)
        knots[-1] = (min(best, rank.get(path, len(rank))), knot)
    items[:] = [item for _, knot in sorted(knots, key=lambda knot: knot[0]) for item in knot]
