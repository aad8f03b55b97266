"""Who wants to hear of which patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .events import Confidence, Symbol  # noqa: TC001 - read at run time

if TYPE_CHECKING:
    from .events import PatternAlert

EVERY = "*"
"""Stands for every pattern."""


class Filter(msgspec.Struct, frozen=True):
    """What an alert must have besides its pattern."""

    symbols: frozenset[Symbol] = frozenset()
    """Empty for all."""
    confidence: Confidence = 0.0
    """At least this."""

    def passes(self, alert: PatternAlert) -> bool:
        return alert.confidence >= self.confidence and (not self.symbols or alert.symbol in self.symbols)


class Subscriptions:
    """Both ways round: the patterns of a user, and the users of a pattern."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Filter]] = {}
        self._patterns: dict[str, dict[str, Filter]] = {}

    def add(self, user: str, pattern: str, wanted: Filter) -> None:
        """From now on alerts of this pattern pass by this filter; an earlier one is replaced."""
        self._users.setdefault(user, {})[pattern] = wanted
        self._patterns.setdefault(pattern, {})[user] = wanted

    def remove(self, user: str, pattern: str) -> None:
        if self._users.get(user, {}).pop(pattern, None) is not None:
            del self._patterns[pattern][user]
            if not self._patterns[pattern]:
                del self._patterns[pattern]
            if not self._users[user]:
                del self._users[user]

    def forget(self, user: str) -> None:
        for pattern in list(self._users.get(user, ())):
            self.remove(user, pattern)

    def of(self, user: str) -> dict[str, Filter]:
        return dict(self._users.get(user, {}))

    def matching(self, alert: PatternAlert) -> set[str]:
        """The users who want this alert, each once."""
        return {
            user
            for pattern in (alert.pattern, EVERY)
            for user, wanted in self._patterns.get(pattern, {}).items()
            if wanted.passes(alert)
        }

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))
