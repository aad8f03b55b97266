"""Listens to Redis, and makes typed events of what is published there."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from itdash import probe

from .errors import RedisLost, Rejected, StartError
from .events import CHANNELS, PartHealth, decode
from .sequences import Sequences
from .statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio.client import PubSub

    from .events import Event, Status
    from .settings import RedisSettings

_log = logging.getLogger(__name__)

_AT_ONCE = 20
"""Messages after which others have their turn: what Redis has sent already is read without waiting."""


class RedisEventSubscriber:
    """Stays subscribed as well as it can, and hands on each valid event, once."""

    def __init__(
        self,
        settings: RedisSettings,
        publish: Callable[[Event], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.statistics = Statistics("subscriber")
        self.status: Status = "down"
        self._settings = settings
        self._publish = publish
        self._sleep = sleep
        self._chance = chance
        self._sequences = Sequences()
        self._prefix = f"{settings.prefix}:"
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        try:
            self._redis()
        except ValueError as error:
            raise StartError(f"no Redis at {settings.url!r}: {error}") from error

    @property
    def running(self) -> bool:
        return self._task is not None

    @property
    def missed(self) -> int:
        """Events that were published while nobody listened, as far as their numbers tell."""
        return self._sequences.missed

    async def start(self) -> None:
        """Come back when the first attempt is over; where it failed, others follow by themselves."""
        if self._task is not None:
            return
        self._tried.clear()
        self._task = asyncio.create_task(self._run(), name="subscriber")
        await self._tried.wait()

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._tell("down", "stopped")

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        backoff = self._settings.backoff
        pause = min(backoff.ceiling, backoff.base * 2.0 ** min(failures - 1, 60))
        return pause * (1 - backoff.jitter * self._chance())

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever it is: a subscriber that ended would say nothing ever again
                if not isinstance(error, (RedisError, OSError, RedisLost)):
                    _log.exception("the subscriber begins anew")
                failures = 1 if self.status == "healthy" else failures + 1
                self.statistics.count("failures")
                self._tell("degraded", f"Redis: {error or type(error).__name__}")
            self._tried.set()
            await self._sleep(self.pause(failures))

    async def _listen(self) -> None:
        """Connect, and take messages until that fails."""
        redis = self._redis()
        pubsub = redis.pubsub()
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._subscribe(pubsub)
            self.statistics.count("connections")
            self._tell("healthy", "")
            self._tried.set()
            await self._take_all(pubsub)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis has no type for it
            await redis.aclose()

    async def _subscribe(self, pubsub: PubSub) -> None:
        await pubsub.subscribe(*(self._prefix + channel for channel in CHANNELS))
        confirmed = 0
        while confirmed < len(CHANNELS):
            message = await pubsub.get_message(timeout=self._settings.timeout)
            if message is None:
                continue
            if message["type"] == "subscribe":
                confirmed += 1
            else:  # the first channel may speak before the last is confirmed
                self._take(message)

    async def _take_all(self, pubsub: PubSub) -> None:
        asked = False
        for number in itertools.count(1):
            message = await pubsub.get_message(timeout=self._settings.heartbeat)
            if message is not None:
                asked = False
                self._take(message)
            elif asked:
                raise RedisLost(f"silent for {2 * self._settings.heartbeat:g} s")
            else:
                asked = True
                await pubsub.ping()  # a Redis that is frozen, or behind a cut network, says nothing either
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] != "message":
            return
        self.statistics.count("received")
        try:
            with probe.operation("subscriber.message"):
                channel = message["channel"].decode().removeprefix(self._prefix)
                event = decode(channel, message["data"], self._settings.event_limit)
        except Rejected as error:
            self.statistics.count(f"rejected.{error.reason}")
            _log.warning("passed over (%s): %s", error.reason, error)
            return
        verdict = self._sequences.judge(event.source, event.sequence)
        if verdict != "new":
            self.statistics.count(verdict)
        if verdict != "doubled":
            self.statistics.count(f"accepted.{type(event).__name__}")
            self._publish(event)

    def _tell(self, status: Status, text: str) -> None:
        if status != self.status:
            _log.info("the subscriber is %s %s", status, text)
            self.status = status
            self._publish(PartHealth(part="subscriber", status=status, text=text))

    def _redis(self) -> Redis:
        return Redis.from_url(
            self._settings.url,
            socket_timeout=self._settings.timeout,
            socket_connect_timeout=self._settings.timeout,
            retry=Retry(NoBackoff(), 0),  # an error shall be seen here at once, not after attempts of others
        )
