"""Publishes events with a source, a number and a time on each."""

from __future__ import annotations

import time
import uuid
from itertools import cycle
from typing import TYPE_CHECKING, Any

from ..events import BacktestProgress, BacktestResult, PatternAlert, ServiceHealth, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis import Redis

    from ..events import FromOutside

KINDS: dict[str, type[FromOutside]] = {
    "pattern": PatternAlert,
    "progress": BacktestProgress,
    "result": BacktestResult,
    "health": ServiceHealth,
}
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
_CHUNK = 250


class Market:
    """One source, on channels with this prefix; its name is new with every start, for its numbers are too."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.source = f"market:{uuid.uuid4().hex[:12]}"
        self.sequence = 0
        self._redis = redis
        self._prefix = prefix

    def send(self, drafts: Sequence[dict[str, Any]]) -> int:
        """Publish these, one after the other; how many subscribers got the last."""
        receivers = 0
        for draft in drafts:
            event = self._event(**draft)
            receivers = self._redis.publish(f"{self._prefix}:{event.channel}", encode(event))
        return receivers

    def stream(self, count: int, rate: float, patterns: Sequence[str]) -> None:
        """So many alerts a second, of these patterns in turn."""
        began = time.monotonic()
        for number, alert in enumerate(self._alerts(count, patterns)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            self.send([alert])

    def burst(self, count: int, patterns: Sequence[str]) -> None:
        """So many alerts, as fast as Redis takes them."""
        alerts = self._alerts(count, patterns)
        for begin in range(0, count, _CHUNK):
            with self._redis.pipeline(transaction=False) as pipeline:
                for _, draft in zip(range(min(_CHUNK, count - begin)), alerts, strict=False):
                    event = self._event(**draft)
                    pipeline.publish(f"{self._prefix}:{event.channel}", encode(event))
                pipeline.execute()

    @staticmethod
    def _alerts(count: int, patterns: Sequence[str]) -> Iterator[dict[str, Any]]:
        symbols = cycle(SYMBOLS)
        for number, pattern in zip(range(count), cycle(patterns), strict=False):
            confidence = (number % 100) / 100
            yield {"type": "pattern", "pattern": pattern, "symbol": next(symbols), "confidence": confidence}

    def _event(self, type: str, **fields: Any) -> FromOutside:
        self.sequence += 1
        published = time.monotonic_ns()
        return KINDS[type](source=self.source, sequence=self.sequence, published=published, **fields)
