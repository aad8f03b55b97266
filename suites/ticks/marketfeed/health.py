"""How all parts and services are, from what they tell."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from .events import PartHealth, ServiceHealth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .events import Status

SERVICES = 100
"""Services that are remembered; beyond them the one not heard of for longest is forgotten."""

_SEVERITY: tuple[Status, ...] = ("healthy", "degraded", "down")


class Condition(msgspec.Struct, frozen=True):
    status: Status
    text: str = ""


class Report(msgspec.Struct, frozen=True):
    """`status` is that of this service, `market` that of the others."""

    status: Status
    market: Status
    parts: dict[str, Condition]
    services: dict[str, Condition]


def worst(conditions: Iterable[Condition]) -> Status:
    return max((c.status for c in conditions), key=_SEVERITY.index, default="healthy")


class HealthMonitor:
    """Remembers the last word of each."""

    def __init__(self) -> None:
        self._parts: dict[str, Condition] = {}
        self._services: OrderedDict[str, Condition] = OrderedDict()

    async def handle(self, event: PartHealth | ServiceHealth) -> None:
        condition = Condition(event.status, event.text)
        if isinstance(event, PartHealth):
            self._parts[event.part] = condition
            return
        self._services[event.service] = condition
        self._services.move_to_end(event.service)
        if len(self._services) > SERVICES:
            self._services.popitem(last=False)

    def report(self) -> Report:
        parts, services = dict(self._parts), dict(self._services)
        # A part that is down takes only its own work away: clients are still served.
        status: Status = "healthy" if worst(parts.values()) == "healthy" else "degraded"
        return Report(status, worst(services.values()), parts, services)
