"""Makes the parts, connects them by events, starts them in order and ends them in the opposite one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .broadcaster import WANTED, WebSocketBroadcaster
from .bus import EventBus
from .events import PartHealth, ServiceHealth
from .health import HealthMonitor
from .subscriber import RedisEventSubscriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .health import Report
    from .settings import Settings

_log = logging.getLogger(__name__)


class Application:
    """The only place that knows of all parts. It can be started again after it was stopped."""

    def __init__(self, settings: Settings) -> None:
        self._grace = settings.grace
        self.bus = EventBus(settings.waiting)
        self.monitor = HealthMonitor()
        self.broadcaster = WebSocketBroadcaster(settings.broadcast)
        self.subscriber = RedisEventSubscriber(settings.redis, self.bus.publish)
        self.bus.on("monitor", self.monitor.handle, PartHealth, ServiceHealth)
        self.bus.on("broadcaster", self.broadcaster.handle, *WANTED)
        self.started: list[str] = []
        """The parts that run, in the order in which they were started."""

    async def start(self) -> None:
        """Receivers before senders, so that no event comes to a part that is not there yet."""
        starts: dict[str, Callable[[], Awaitable[None]]] = {
            "broadcaster": self.broadcaster.start,
            "bus": self.bus.start,
            "subscriber": self.subscriber.start,
        }
        try:
            for name, start in starts.items():
                await start()
                self.started.append(name)
                _log.info("%s started", name)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Senders before receivers, so that what was received is handed on."""
        ends: dict[str, Callable[[], Awaitable[None]]] = {
            "subscriber": self.subscriber.stop,
            "bus": lambda: self.bus.stop(self._grace),
            "broadcaster": lambda: self.broadcaster.stop(self._grace),
        }
        while self.started:
            name = self.started.pop()
            await ends[name]()
            _log.info("%s stopped", name)

    def report(self) -> Report:
        return self.monitor.report()

    def statistics(self) -> dict[str, Any]:
        return {
            "subscriber": {**self.subscriber.statistics.snapshot(), "missed": self.subscriber.missed},
            "bus": {**self.bus.statistics.snapshot(), "waiting": self.bus.waiting()},
            "broadcaster": {**self.broadcaster.statistics.snapshot(), **self.broadcaster.levels()},
        }
