"""The twelve scenarios: reports end to end, their performance, and the recovery from errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fir_support import HANG, Desk, Growth, RecordedSleep, Refusal, budget_of_the_service, until
from reportdesk.breaker import Breaker
from reportdesk.metrics import Metrics
from reportdesk.model import ModelClient
from reportdesk.records import Case, Report
from reportdesk.retry import Retry
from reportdesk.settings import Backoff, BreakerSettings, ModelSettings

from itdash import probe

if TYPE_CHECKING:
    from fir_database import PostgresSchema, SqliteFile

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

MEASURED = ("request", "database.query", "cache.get", "cache.put", "model.call")


class TestFIRGenerationEndToEnd:
    @pytest.mark.requirement("FIR-E2E-1", "FIR-CACHE-1", "FIR-CACHE-6")
    @budget_of_the_service("model.call", "count == 1", "errors == 0")
    @budget_of_the_service("cache.put", "count == 2", "errors == 0")
    async def test_fir_generation_cold_cache(self, desk: Desk) -> None:
        case = await desk.new_case("the door was open", "a bicycle is gone")
        assert await desk.cached(case) is None

        first = await desk.report(case)

        text = "Burglary (revision 1)\n1. the door was open\n2. a bicycle is gone\n8 words in 2 facts"
        assert first.report == Report(case, 1, text)
        assert first.source == "model"
        assert await desk.cached(case) == first.report
        assert 0 < await desk.redis.ttl(desk.key(case)) <= 60

        await desk.drop_from_cache(case)
        second = await desk.report(case)

        assert second.report == first.report
        assert second.source == "database"  # no report is written twice
        assert await desk.cached(case) == first.report
        assert await desk.model.received() == 1

    @pytest.mark.requirement("FIR-E2E-1", "FIR-CACHE-2")
    @pytest.mark.budget("report.warm", "count == 50", "p50 < 10ms", "errors == 0")
    @budget_of_the_service("database.query", "count == 3")
    @budget_of_the_service("cache.get", "count == 51", "errors == 0")
    async def test_fir_generation_warm_cache(self, desk: Desk) -> None:
        case = await desk.new_case()
        cold = await desk.report(case)
        growth = await Growth.of(desk)

        for _ in range(50):
            async with probe.operation("report.warm"):
                warm = await desk.report(case)
            assert warm.source == "cache"
            assert warm.report == cold.report

        assert await growth.event("cache.hit") == 50
        assert await growth.count("database.query") == 0
        assert await desk.model.received() == 1

    @pytest.mark.requirement("FIR-TASK-1", "FIR-TASK-2")
    @budget_of_the_service("task", "count == 2", "errors == 1")
    async def test_background_task_processing(self, desk: Desk) -> None:
        made, refused = await desk.new_case(), await desk.new_case()
        await desk.model.tell(gate=True)

        task = await desk.enqueue(made)
        assert task.state == "queued"
        await desk.model.until_held(1)
        assert (await desk.task(task.id)).state == "running"
        await desk.model.tell()
        ended = await desk.task_ended(task.id)
        assert (ended.state, ended.case, ended.source, ended.error) == ("done", made, "model", None)
        assert await desk.source(made) == "cache"

        await desk.model.tell(troubles=["refuse"])
        failed = await desk.task_ended((await desk.enqueue(refused)).id)
        assert failed.state == "failed"
        assert failed.error == "the model server refuses with status 422"

    @pytest.mark.requirement("FIR-RETRY-1", "FIR-RETRY-2", "FIR-METRICS-4")
    @budget_of_the_service("model.call", "count >= 3", "errors >= 2")
    async def test_error_scenario_with_retry(self, desk: Desk) -> None:
        case = await desk.new_case()
        growth = await Growth.of(desk)
        await desk.model.tell(troubles=["error", "busy"])

        served = await desk.report(case)

        assert served.source == "model"
        assert await desk.model.received() == 3
        assert await growth.event("retry.model") == 2
        assert (await growth.count("model.call"), await growth.errors("model.call")) == (3, 2)
        assert "trying again" in desk.api.complaint()

        sleep = RecordedSleep()
        retry = Retry(Backoff(attempts=4, base=0.5, ceiling=1.5, jitter=0.5), chance=lambda: 0.5, sleep=sleep)
        settings = ModelSettings(url=desk.model.process.url)
        client = ModelClient(settings, retry, Breaker("the model", BreakerSettings()), Metrics())
        await desk.model.tell(troubles=["error", "garbage", "empty"])
        try:
            text = await client.write(Case(case, "Theft", ["a fact"]))
        finally:
            await client.close()
        assert text == "Theft (revision 1)\n1. a fact\n2 words in 1 facts"
        assert sleep.pauses == [0.375, 0.75, 1.125]  # doubled up to the ceiling, less a quarter by chance

    @pytest.mark.requirement("FIR-BREAKER-1", "FIR-BREAKER-2", "FIR-BREAKER-3", "FIR-METRICS-4")
    @budget_of_the_service("model.call", "count == 7", "errors == 5")
    async def test_circuit_breaker_error_recovery(self, desk: Desk) -> None:
        cases = [await desk.new_case() for _ in range(4)]
        known = await desk.new_case()
        await desk.report(known)
        await desk.model.reset()
        await desk.model.tell(always="error")
        growth = await Growth.of(desk)

        with pytest.raises(Refusal, match="502 model_failed"):
            await desk.report(cases[0])  # three attempts
        with pytest.raises(Refusal, match="503 breaker_open"):
            await desk.report(cases[1])  # two more, and the fifth failure opens the breaker
        # Both at once, for the pause is short: what is seen after it would tell nothing.
        state, refusal = await asyncio.gather(
            desk.breaker("model"), desk.report(cases[2]), return_exceptions=True
        )
        assert state == "open"
        assert isinstance(refusal, Refusal)
        assert "503 breaker_open: the model server is left alone" in str(refusal)
        assert refusal.retry_after == "1"
        assert await desk.model.received() == 5
        assert await growth.event("error.breaker_open") == 2
        assert await desk.source(known) == "cache"  # what does not need the model goes on

        await desk.model.tell()
        await desk.until_breaker("model", "half-open")
        assert await desk.source(cases[3]) == "model"
        assert await desk.breaker("model") == "closed"
        assert await desk.model.received() == 6

    @pytest.mark.requirement("FIR-CACHE-3")
    @budget_of_the_service("cache.invalidate", "count == 1", "errors == 0")
    @budget_of_the_service("model.call", "count == 2")
    async def test_cache_invalidation_on_update(self, desk: Desk) -> None:
        case, other = await desk.new_case("it was dark"), "untouched"
        await desk.report(case)
        await desk.redis.set(desk.key(other), b"{}", px=60_000)

        revised = await desk.revise(case, "it was dark", "there is a witness")

        assert revised.revision == 2
        assert await desk.cached(case) is None
        assert await desk.redis.exists(desk.key(other)) == 1
        served = await desk.report(case)
        assert served.source == "model"
        assert served.report.revision == 2
        assert "there is a witness" in served.report.text
        assert await desk.cached(case) == served.report
        assert await desk.source(case) == "cache"

    @pytest.mark.requirement("FIR-METRICS-1", "FIR-METRICS-2", "FIR-METRICS-3")
    @budget_of_the_service("request", "count == 4", "errors == 0")
    @budget_of_the_service("database.query", "count == 4", "errors == 0")
    @budget_of_the_service("cache.get", "count == 3", "errors == 0")
    async def test_metrics_collection_during_request(self, desk: Desk) -> None:
        await desk.model.tell(latency=0.05)
        growth = await Growth.of(desk)
        case = await desk.new_case()
        for _ in range(2):
            await desk.report(case)
        with pytest.raises(Refusal, match="404 unknown_case"):
            await desk.report("unknown")

        assert await growth.count("request") == 4
        assert await growth.count("database.query") == 4
        assert [await growth.count(f"cache.{name}") for name in ("get", "put")] == [3, 1]
        assert [await growth.event(f"cache.{name}") for name in ("hit", "miss")] == [1, 2]
        assert await growth.event("error.unknown_case") == 1
        assert [name for name in MEASURED if await growth.errors(name)] == []
        seconds = {name: await growth.seconds(name) for name in MEASURED}
        assert min(seconds.values()) > 0
        # A request takes as long as all that it waits for, and the model takes as long as it was told to.
        assert seconds.pop("request") >= sum(seconds.values())
        assert seconds["model.call"] >= 0.05


class TestFIRGenerationPerformance:
    @pytest.mark.requirement("FIR-CACHE-5")
    @pytest.mark.budget("report.cold", "count == 3", "min >= 100ms", "errors == 0")
    @pytest.mark.budget(
        "report.warm", "count == 30", "p50 < 10ms", "p50 < p50(report.cold) / 10", "errors == 0"
    )
    async def test_cache_performance_improvement(self, desk: Desk) -> None:
        await desk.model.tell(latency=0.1)
        cases = [await desk.new_case() for _ in range(3)]

        async def cold(case: str) -> str:
            async with probe.operation("report.cold"):
                return await desk.source(case)

        assert await asyncio.gather(*map(cold, cases)) == ["model"] * 3
        for case in cases:
            for _ in range(10):
                async with probe.operation("report.warm"):
                    assert await desk.source(case) == "cache"

    @pytest.mark.requirement("FIR-TASK-3", "FIR-TASK-4")
    @pytest.mark.budget("task.enqueue", "count == 200", "p90 < 10ms", "errors == 0")
    @budget_of_the_service("task.accept", "count == 200", "p99 < 10ms", "errors == 0")
    @pytest.mark.budget("report.beside", "count == 20", "p50 < 10ms", "errors == 0")
    @budget_of_the_service("task", "count == 200", "peak == 4", "errors == 0")
    async def test_background_task_non_blocking(self, desk: Desk) -> None:
        cases = [await desk.new_case() for _ in range(5)]
        known = cases.pop()
        await desk.report(known)
        growth = await Growth.of(desk)
        await desk.model.tell(gate=True)

        tasks = []
        for number in range(200):
            async with probe.operation("task.enqueue"):
                tasks.append(await desk.enqueue(cases[number % 4]))
        await desk.model.until_held(4)  # every worker hangs in the model
        for _ in range(20):
            async with probe.operation("report.beside"):
                assert await desk.source(known) == "cache"
        assert await growth.count("task") == 4

        await desk.model.tell()
        assert (await desk.task_ended(tasks[-1].id)).state == "done"
        await until(lambda: desk.tally("task"), lambda tally: tally.in_flight == 0)
        assert await growth.count("task") == 200
        assert await growth.errors("task") == 0


class TestErrorRecoveryScenarios:
    @pytest.mark.requirement("FIR-DB-1", "FIR-RETRY-1")
    @budget_of_the_service("database.query", "errors >= 3")
    async def test_database_connection_failure_recovery(
        self, desk: Desk, impatient_desk: Desk, database: SqliteFile | PostgresSchema
    ) -> None:
        known, cold, waiting = [await desk.new_case() for _ in range(3)]
        await desk.report(known)
        growth, impatience = await Growth.of(desk), await Growth.of(impatient_desk)

        async with asyncio.timeout(HANG), asyncio.TaskGroup() as group, database.locked():
            with pytest.raises(Refusal, match="503 database_unavailable") as caught:
                await impatient_desk.report(cold)
            assert caught.value.retry_after == "1"
            assert await impatience.event("retry.database") == 1
            assert await impatience.errors("database.query") == 2
            assert await desk.source(known) == "cache"
            patient = group.create_task(desk.report(waiting))
            await until(lambda: growth.event("retry.database"), lambda retries: retries > 0)

        assert patient.result().source == "model"
        assert await desk.source(cold) == "model"
        assert (await desk.revise(known, "and now this")).revision == 2

    @pytest.mark.requirement("FIR-CACHE-4")
    @pytest.mark.budget("report.without_cache", "count == 21", "errors == 0", "p50 < 50ms")
    @budget_of_the_service("cache.get", "errors >= 1")
    @budget_of_the_service("cache.put", "errors >= 1")
    async def test_cache_failure_fallback_to_database(self, frail_desk: Desk) -> None:
        desk = frail_desk
        assert desk.cache_process is not None
        case, fresh = await desk.new_case(), await desk.new_case()
        cold = await desk.report(case)
        assert await desk.source(case) == "cache"

        desk.cache_process.kill()
        for _ in range(20):
            async with probe.operation("report.without_cache"):
                served = await desk.report(case)
            assert (served.source, served.report) == ("database", cold.report)
        async with probe.operation("report.without_cache"):
            assert await desk.source(fresh) == "model"
        assert (await desk.revise(case, "something else")).revision == 2
        assert (await desk.report(case)).report.revision == 2
        assert await desk.model.received() == 3

        desk.cache_process.start()
        await until(lambda: desk.source(case), lambda source: source == "cache")
        assert (await desk.report(case)).report.revision == 2
        assert await desk.breaker("cache") == "closed"

    @pytest.mark.requirement("FIR-MODEL-1", "FIR-MODEL-2", "FIR-BREAKER-2", "FIR-BREAKER-3")
    @pytest.mark.budget("report.hanging", "count == 2", "errors == 2", "max < 2s")
    @pytest.mark.budget("report.rejected", "count == 20", "errors == 20", "p50 < 50ms")
    @budget_of_the_service("model.call", "count == 5", "errors == 4", "max < 1s")
    async def test_model_server_timeout_handling(self, impatient_desk: Desk) -> None:
        desk = impatient_desk
        cases = [await desk.new_case() for _ in range(3)]
        await desk.model.tell(always="hang")

        async def hanging(case: str) -> None:
            async with probe.operation("report.hanging"):
                await desk.report(case)

        outcomes = await asyncio.gather(*map(hanging, cases[:2]), return_exceptions=True)
        for outcome in outcomes:
            assert isinstance(outcome, Refusal)
            assert (outcome.status, outcome.code) == (504, "model_timed_out")
            assert outcome.message == "the model server did not answer within 0.15 s"
        assert await desk.breaker("model") == "open"

        for _ in range(20):
            with pytest.raises(Refusal, match="breaker_open"):
                async with probe.operation("report.rejected"):
                    await desk.report(cases[2])
        assert await desk.model.received() == 4

        await desk.model.tell()
        await desk.until_breaker("model", "half-open")
        assert await desk.source(cases[2]) == "model"
