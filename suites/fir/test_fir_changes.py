"""A change that meets a report on its way, between a cache and a model that the test holds at will."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fir_support import HANG
from reportdesk.cache import ReportCache
from reportdesk.database import Database, open_database
from reportdesk.metrics import Metrics
from reportdesk.model import ModelClient
from reportdesk.records import Case, Report
from reportdesk.retry import Retry
from reportdesk.service import ReportService
from reportdesk.settings import Backoff, DatabaseSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration]


class HeldCache(ReportCache):
    """Keeps reports in a dictionary; what is put there arrives when the test lets it."""

    def __init__(self) -> None:
        self.kept: dict[str, Report] = {}
        self.putting, self.let_go = asyncio.Event(), asyncio.Event()

    async def get(self, case_id: str) -> Report | None:
        return self.kept.get(case_id)

    async def put(self, report: Report) -> None:
        self.putting.set()
        await self.let_go.wait()
        self.kept[report.case] = report

    async def invalidate(self, case_id: str) -> None:
        self.kept.pop(case_id, None)


class HeldModel(ModelClient):
    """Writes when the test lets it."""

    def __init__(self) -> None:
        self.writing, self.let_go = asyncio.Event(), asyncio.Event()

    async def write(self, case: Case) -> str:
        self.writing.set()
        await self.let_go.wait()
        return f"on {case.facts}"


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-CACHE-8")
@pytest.mark.parametrize("moment", ["while it is written", "on its way to the cache"])
async def test_report_outdated_by_a_change_is_not_left_in_the_cache(tmp_path: Path, moment: str) -> None:
    driver = await open_database(DatabaseSettings(url=f"sqlite://{tmp_path / 'reports.db'}", timeout=HANG))
    cache, model = HeldCache(), HeldModel()
    service = ReportService(cache, Database(driver, Retry(Backoff()), Metrics()), model, Metrics())
    try:
        async with asyncio.timeout(HANG):
            case = await service.create("Theft", ["a fact"])
            asked = asyncio.create_task(service.report(case.id))
            await model.writing.wait()
            if moment == "on its way to the cache":
                model.let_go.set()
                await cache.putting.wait()
            await service.revise(case.id, ["another fact"])
            model.let_go.set()
            cache.let_go.set()
            assert (await asked).report.revision == 1  # it was asked for before the change
            assert cache.putting.is_set() == (moment == "on its way to the cache")
            assert (await service.report(case.id)).report == Report(case.id, 2, "on ['another fact']")
    finally:
        await service.close()
        await driver.close()
