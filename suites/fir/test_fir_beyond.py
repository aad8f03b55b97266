"""Beyond the twelve scenarios: stampedes, races, and parts that freeze, vanish and come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fir_database import PostgresSchema, SqliteFile, connected
from fir_support import HANG, Desk, Growth, Refusal, budget_of_the_service, until

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reportdesk.records import Served

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


@pytest.mark.requirement("FIR-CACHE-7")
@pytest.mark.budget("report.cold", "count == 100", "peak == 100", "errors == 0")
@budget_of_the_service("model.call", "count == 1", "peak == 1", "errors == 0")
@budget_of_the_service("request", "peak == 100")
async def test_hundred_cold_requests_make_one_report(desk: Desk) -> None:
    case = await desk.new_case()
    await desk.model.tell(gate=True)

    async def cold() -> Served:
        async with probe.operation("report.cold"):
            return await desk.report(case)

    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        requests = [group.create_task(cold()) for _ in range(100)]
        await desk.until_past_the_cache(requests=100)
        await desk.model.until_held(1)
        await desk.model.tell()

    assert {request.result().source for request in requests} == {"model"}
    assert len({request.result().report.text for request in requests}) == 1
    assert await desk.model.received() == 1


@pytest.mark.requirement("FIR-CACHE-7")
@budget_of_the_service("model.call", "count == 30", "peak == 30", "errors == 0")
async def test_different_reports_do_not_wait_for_each_other(desk: Desk) -> None:
    cases = [await desk.new_case(f"fact {number}") for number in range(30)]
    await desk.model.tell(gate=True)
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        reports = [group.create_task(desk.report(case)) for case in cases]
        await desk.model.until_held(30)
        await desk.model.tell()
    assert [report.result().report.case for report in reports] == cases


@pytest.mark.requirement("FIR-CACHE-7", "FIR-METRICS-4")
async def test_failed_stampede_fails_for_all_and_leaves_nothing_behind(desk: Desk) -> None:
    case = await desk.new_case()
    await desk.model.tell(gate=True, troubles=["refuse"])
    growth = await Growth.of(desk)
    requests = [asyncio.create_task(desk.report(case)) for _ in range(10)]
    await desk.until_past_the_cache(requests=10)
    await desk.model.until_held(1)
    await desk.model.tell()
    for outcome in await asyncio.gather(*requests, return_exceptions=True):
        assert isinstance(outcome, Refusal)
        assert outcome.code == "model_refused"
    assert await growth.event("error.model_refused") == 10
    assert f"/cases/{case}/report failed: the model server refuses with status 422" in desk.api.complaint()
    assert await desk.source(case) == "model"
    assert await desk.model.received() == 2


@pytest.mark.requirement("FIR-CACHE-8")
async def test_change_during_the_making_of_a_report(desk: Desk) -> None:
    case = await desk.new_case("it was dark")
    await desk.model.tell(gate=True)
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        before = group.create_task(desk.report(case))
        await desk.model.until_held(1)
        await desk.revise(case, "it was bright")
        after = group.create_task(desk.report(case))
        await desk.model.until_held(2)  # it does not wait for a report on what is no longer true
        await desk.model.tell()

    assert before.result().report.revision == 1  # it was asked for before the change
    assert after.result().report.revision == 2
    assert "it was bright" in (await desk.report(case)).report.text
    await desk.drop_from_cache(case)
    assert await desk.source(case) == "database"


@pytest.mark.requirement("FIR-CACHE-8", "FIR-CACHE-4")
@pytest.mark.budget("report.frozen_cache", "count == 10", "errors == 0", "p50 < 100ms", "max < 2s")
async def test_frozen_cache_brings_nothing_outdated_back(frail_desk: Desk) -> None:
    desk = frail_desk
    assert desk.cache_process is not None
    cases = [await desk.new_case("it was dark") for _ in range(3)]
    for case in cases:
        await desk.report(case)

    with desk.cache_process.frozen():
        for _ in range(10):
            async with probe.operation("report.frozen_cache"):
                assert await desk.source(cases[0]) == "database"
        # All at once: the breaker lets no more than one of the removals through to the cache.
        await asyncio.gather(*(desk.revise(case, "it was bright") for case in cases))
        assert (await desk.report(cases[0])).report.revision == 2

    for case in cases:
        await _served_up_to_date_until_cached(desk, case)


@pytest.mark.requirement("FIR-CACHE-8")
async def test_report_that_reaches_a_frozen_cache_late_is_not_served(frail_desk: Desk) -> None:
    desk = frail_desk
    assert desk.cache_process is not None
    case = await desk.new_case("it was dark")
    await desk.model.tell(gate=True)
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        making = group.create_task(desk.report(case))
        await desk.model.until_held(1)
        with desk.cache_process.frozen():
            puts = (await desk.tally("cache.put")).count
            await desk.model.tell()
            await until(lambda: desk.tally("cache.put"), lambda tally: tally.count == puts + 1)
            await desk.revise(case, "it was bright")
    assert making.result().report.revision == 1

    await _served_up_to_date_until_cached(desk, case)


async def _served_up_to_date_until_cached(desk: Desk, case: str) -> None:
    """Ask until the cache works again; no answer on the way may be on the first revision."""

    async def up_to_date() -> Served:
        served = await desk.report(case)
        assert served.report.revision == 2
        return served

    await until(up_to_date, lambda served: served.source == "cache")


@pytest.mark.requirement("FIR-CACHE-1", "FIR-METRICS-3")
@pytest.mark.parametrize(
    "garbage", [b"{]", b'{"case": "another", "revision": 1, "text": "x"}', b'{"case": 1}']
)
async def test_garbage_in_the_cache_is_a_miss(desk: Desk, garbage: bytes) -> None:
    case = await desk.new_case()
    await desk.redis.set(desk.key(case), garbage, px=60_000)
    growth = await Growth.of(desk)
    served = await desk.report(case)
    assert served.source == "model"
    assert await growth.event("cache.miss") == 1
    assert await desk.cached(case) == served.report


@pytest.mark.requirement("FIR-CACHE-6")
async def test_report_expires(small_desk: Desk) -> None:
    case = await small_desk.new_case()
    assert await small_desk.source(case) == "model"
    await until(lambda: small_desk.source(case), lambda source: source == "database")


@pytest.mark.requirement("FIR-TASK-5")
async def test_queue_has_an_end(small_desk: Desk) -> None:
    case = await small_desk.new_case()
    await small_desk.model.tell(gate=True)
    tasks = [await small_desk.enqueue(case)]
    await small_desk.model.until_held(1)
    tasks += [await small_desk.enqueue(case) for _ in range(2)]
    with pytest.raises(Refusal, match="503 queue_full: 2 tasks wait already") as caught:
        await small_desk.enqueue(case)
    assert caught.value.retry_after == "1"

    await small_desk.model.tell()
    assert (await small_desk.task_ended(tasks[2].id)).state == "done"
    assert (await small_desk.task(tasks[1].id)).state == "done"
    with pytest.raises(Refusal, match="404 unknown_task"):  # two ended tasks are kept, and this is the third
        await small_desk.task(tasks[0].id)


@pytest.mark.requirement("FIR-TASK-2", "FIR-METRICS-4")
async def test_task_for_an_unknown_case_fails(desk: Desk) -> None:
    growth = await Growth.of(desk)
    task = await desk.task_ended((await desk.enqueue("unknown")).id)
    assert (task.state, task.error) == ("failed", "there is no case 'unknown'")
    assert await growth.errors("task") == 1
    assert f"the task {task.id} failed: there is no case 'unknown'" in desk.api.complaint()


@pytest.mark.requirement("FIR-BREAKER-3", "FIR-BREAKER-4")
@budget_of_the_service("model.call", "count == 7", "errors == 6")
async def test_half_open_breaker_lets_one_call_through(desk: Desk) -> None:
    cases = [await desk.new_case(f"fact {number}") for number in range(20)]
    await desk.model.tell(always="error")
    for case in cases[:2]:
        with pytest.raises(Refusal):
            await desk.report(case)
    await desk.model.tell(troubles=["error"])
    await desk.until_breaker("model", "half-open")
    with pytest.raises(
        Refusal, match="breaker_open"
    ):  # its call fails, and the second attempt is not let through
        await desk.report(cases[0])
    assert await desk.breaker("model") == "open"

    await desk.model.tell(gate=True)
    await desk.until_breaker("model", "half-open")
    requests = [asyncio.create_task(desk.report(case)) for case in cases]
    await desk.model.until_held(1)
    await until(_number_done(requests), lambda done: done == 19)
    assert await desk.breaker("model") == "half-open"
    await desk.model.tell()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert {refusal.code for refusal in refused} == {"breaker_open"}
    assert len(refused) == 19
    assert await desk.model.received() == 7
    assert await desk.breaker("model") == "closed"


def _number_done(tasks: list[asyncio.Task[Served]]) -> Callable[[], Awaitable[int]]:
    async def number() -> int:
        return sum(task.done() for task in tasks)

    return number


@pytest.mark.requirement("FIR-MODEL-3", "FIR-RETRY-1")
async def test_killed_model_server_is_used_again_when_it_is_back(desk: Desk) -> None:
    case, known = await desk.new_case(), await desk.new_case()
    await desk.report(known)
    desk.model.process.kill()
    with pytest.raises(Refusal, match="502 model_unreachable"):
        await desk.report(case)
    await desk.drop_from_cache(known)
    assert await desk.source(known) == "database"
    desk.model.process.start()
    assert await desk.source(case) == "model"


@pytest.mark.requirement("FIR-MODEL-1")
async def test_model_server_killed_while_it_writes(desk: Desk) -> None:
    case = await desk.new_case()
    await desk.model.tell(gate=True)
    request = asyncio.create_task(desk.report(case))
    await desk.model.until_held(1)
    desk.model.process.kill()
    with pytest.raises(Refusal, match="502 model_unreachable"):
        await request


@pytest.mark.requirement("FIR-DB-1", "FIR-METRICS-4")
async def test_report_that_cannot_be_saved_is_served_all_the_same(
    desk: Desk, database: SqliteFile | PostgresSchema
) -> None:
    case = await desk.new_case()
    growth = await Growth.of(desk)
    await desk.model.tell(gate=True)
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        request = group.create_task(desk.report(case))
        await desk.model.until_held(1)
        async with database.locked():
            await desk.model.tell()
            assert (await request).source == "model"
    assert await growth.event("error.report_not_saved") == 1
    assert await desk.source(case) == "cache"


@pytest.mark.requirement("FIR-DB-1")
async def test_database_that_vanishes_and_comes_back(
    desk: Desk, database: SqliteFile | PostgresSchema
) -> None:
    case = await desk.new_case()
    if isinstance(database, PostgresSchema):
        async with connected(database.dsn) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                f"reportdesk {database.name}",
            )
        assert await desk.source(case) == "model"
        return
    away = database.path.with_suffix(".away")
    database.path.rename(away)
    try:
        with pytest.raises(Refusal, match=r"503 database_unavailable: .*unable to open database file"):
            await desk.report(case)
        assert not database.path.exists()  # no empty one in its place
    finally:
        away.rename(database.path)
    assert await desk.source(case) == "model"
