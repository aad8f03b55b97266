"""What can go wrong, sorted by who can do something about it."""

from __future__ import annotations


class MarketFeedError(Exception):
    """Anything that this package raises on purpose."""


class Rejected(MarketFeedError):
    """A message that is passed over; `reason` is the word under which it is counted."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class RedisLost(MarketFeedError):
    """The connection is open, and nobody answers on it."""


class LinkLost(MarketFeedError):
    """The client is gone."""


class StartError(MarketFeedError):
    """The service cannot start: its settings are not what they must be."""
