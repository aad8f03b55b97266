"""The service itself: a report comes from the cache, or else the database, or else the model."""

from __future__ import annotations

import logging
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from .background import Background
from .breaker import Breaker
from .cache import ReportCache
from .database import Database, open_database
from .errors import DatabaseUnavailable, TransientError
from .flights import Flight, Flights
from .metrics import Metrics
from .model import ModelClient
from .records import Case, Report, Served
from .retry import Retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .settings import Settings

_log = logging.getLogger(__name__)


class ReportService:
    """Serves reports, and keeps every source behind the first in step with it."""

    def __init__(self, cache: ReportCache, database: Database, model: ModelClient, metrics: Metrics) -> None:
        self._cache = cache
        self._database = database
        self._model = model
        self._metrics = metrics
        self._flights: Flights[Served] = Flights()

    async def create(self, title: str, facts: list[str]) -> Case:
        case = Case(uuid.uuid4().hex, title, facts)
        await self._database.create(case)
        return case

    async def revise(self, case_id: str, facts: list[str]) -> Case:
        """Replace the facts; from now on nobody gets a report on the old ones."""
        case = await self._database.revise(case_id, facts)
        self._flights.forget(case_id)
        await self._cache.invalidate(case_id)
        return case

    async def report(self, case_id: str) -> Served:
        """The report on a case, made at most once however many ask for it at the same time."""
        cached = await self._cache.get(case_id)
        if cached is not None:
            return Served(cached, "cache")

        async def produce(flight: Flight[Served]) -> Served:
            return await self._produce(case_id, flight)

        return await self._flights.join(case_id, produce)

    async def close(self) -> None:
        await self._flights.close()

    async def _produce(self, case_id: str, flight: Flight[Served]) -> Served:
        case, text = await self._database.load(case_id)
        if text is not None:
            served = Served(Report(case_id, case.revision, text), "database")
        else:
            text = await self._model.write(case)
            served = Served(Report(case_id, case.revision, text), "model")
            await self._save(served.report)
        if flight.is_current():
            await self._cache.put(served.report)
            if not flight.is_current():  # the case was revised while the report was on its way to the cache
                await self._cache.invalidate(case_id)
        return served

    async def _save(self, report: Report) -> None:
        try:
            await self._database.save(report)
        except DatabaseUnavailable as error:
            # It is written and paid for; whoever waits shall have it.
            self._metrics.event("error.report_not_saved")
            _log.warning("the report on %s is served, but was not saved: %s", report.case, error)


class Desk:
    """The service with all its parts."""

    def __init__(
        self,
        reports: ReportService,
        tasks: Background,
        metrics: Metrics,
        breakers: dict[str, Breaker],
    ) -> None:
        self.reports = reports
        self.tasks = tasks
        self.metrics = metrics
        self.breakers = breakers


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """Put the parts together, and take them apart in the opposite order."""
    metrics = Metrics()
    breakers = {
        "cache": Breaker("the cache", settings.cache.breaker),
        "model": Breaker("the model server", settings.model.breaker),
    }
    async with AsyncExitStack() as stack:
        database = Database(
            await open_database(settings.database),
            Retry(settings.database.retry, on_pause=_retries_of("database", metrics)),
            metrics,
        )
        stack.push_async_callback(database.close)
        cache = ReportCache(settings.cache, breakers["cache"], metrics)
        stack.push_async_callback(cache.close)
        retry = Retry(settings.model.retry, on_pause=_retries_of("model", metrics))
        model = ModelClient(settings.model, retry, breakers["model"], metrics)
        stack.push_async_callback(model.close)
        reports = ReportService(cache, database, model, metrics)
        stack.push_async_callback(reports.close)
        tasks = Background(reports.report, settings.tasks, metrics)
        stack.push_async_callback(tasks.close, settings.grace)
        yield Desk(reports, tasks, metrics, breakers)


def _retries_of(part: str, metrics: Metrics) -> Callable[[float, TransientError], None]:
    def note(pause: float, error: TransientError) -> None:
        metrics.event(f"retry.{part}")
        _log.info("trying again in %.3f s: %s", pause, error)

    return note
