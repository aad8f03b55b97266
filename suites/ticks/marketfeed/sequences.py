"""Tells events that come twice from those that come late, by the numbers that each source gives them."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Literal

Verdict = Literal["new", "late", "doubled"]

WINDOW = 4_096
"""How far back a number is remembered; what is older counts as come twice."""
SOURCES = 256
"""Sources that are remembered; beyond them the one not heard of for longest is forgotten."""


class _Source:
    def __init__(self, first: int) -> None:
        self.first = first
        self.highest = first
        self._order: deque[int] = deque()
        self._seen: set[int] = set()

    def remember(self, number: int) -> None:
        if len(self._order) == WINDOW:
            self._seen.discard(self._order.popleft())
        self._order.append(number)
        self._seen.add(number)

    def knows(self, number: int) -> bool:
        return number in self._seen or number <= self.highest - WINDOW


class Sequences:
    """One for each subscriber; it outlives connections, for a source goes on counting meanwhile."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self.missed = 0
        """Events that were published, as the numbers tell, and have not come so far."""

    def judge(self, name: str, number: int) -> Verdict:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = _Source(number)
            if len(self._sources) > SOURCES:
                self._sources.popitem(last=False)
            source.remember(number)
            return "new"
        self._sources.move_to_end(name)
        if source.knows(number):
            return "doubled"
        source.remember(number)
        if number > source.highest:
            self.missed += number - source.highest - 1
            source.highest = number
            return "new"
        if number > source.first:
            self.missed -= 1
        return "late"
