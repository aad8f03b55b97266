"""Parts by themselves, where a test can foresee what in the whole is left to time and chance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import test_fir
from fir_support import HANG, RecordedSleep
from hypothesis import given
from hypothesis import strategies as st
from reportdesk.breaker import Breaker
from reportdesk.database import Database, open_database
from reportdesk.errors import BreakerOpen, ModelFailed, ModelRefused
from reportdesk.flights import Flight, Flights
from reportdesk.metrics import Metrics
from reportdesk.records import Case, Report
from reportdesk.retry import Retry
from reportdesk.settings import Backoff, BreakerSettings, DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fir_database import PostgresSchema, SqliteFile

pytestmark = [pytest.mark.integration]

SCENARIOS = {
    "TestFIRGenerationEndToEnd": {
        "test_fir_generation_cold_cache",
        "test_fir_generation_warm_cache",
        "test_background_task_processing",
        "test_error_scenario_with_retry",
        "test_circuit_breaker_error_recovery",
        "test_cache_invalidation_on_update",
        "test_metrics_collection_during_request",
    },
    "TestFIRGenerationPerformance": {
        "test_cache_performance_improvement",
        "test_background_task_non_blocking",
    },
    "TestErrorRecoveryScenarios": {
        "test_database_connection_failure_recovery",
        "test_cache_failure_fallback_to_database",
        "test_model_server_timeout_handling",
    },
}


@pytest.mark.requirement("FIR-SUITE-1")
def test_the_scenarios_are_all_there_and_marked() -> None:
    found = {
        name: {test for test in vars(kind) if test.startswith("test_")}
        for name, kind in vars(test_fir).items()
        if name.startswith("Test")
    }
    assert found == SCENARIOS
    assert pytest.mark.integration in test_fir.pytestmark


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Part:
    """Something behind a breaker that does what it is told."""

    def __init__(self) -> None:
        self.calls = 0

    async def works(self) -> str:
        self.calls += 1
        return "done"

    async def fails(self) -> str:
        self.calls += 1
        raise ModelFailed("out of memory")

    async def refuses(self) -> str:
        self.calls += 1
        raise ModelRefused("no")


def state_of(breaker: Breaker) -> str:
    return breaker.state


async def outcome(breaker: Breaker, operation: Callable[[], Awaitable[str]]) -> str:
    try:
        return await breaker.call(operation)
    except (BreakerOpen, ModelFailed, ModelRefused) as error:
        return type(error).__name__


@pytest.mark.requirement("FIR-BREAKER-1", "FIR-BREAKER-2", "FIR-BREAKER-3")
@given(
    threshold=st.integers(1, 4),
    steps=st.lists(st.sampled_from(["works", "fails", "refuses", "wait"]), max_size=40),
)
def test_breaker_follows_its_rules(threshold: int, steps: list[str]) -> None:
    clock, part = Clock(), Part()
    breaker = Breaker("the part", BreakerSettings(threshold=threshold, reset_after=10), clock=clock)
    failures, opened_at = 0, None

    async def follow() -> None:
        nonlocal failures, opened_at
        for step in steps:
            if step == "wait":
                clock.now += 6
                continue
            calls = part.calls
            seen = await outcome(breaker, getattr(part, step))
            if opened_at is not None and clock.now < opened_at + 10:
                assert (seen, part.calls) == ("BreakerOpen", calls)
                assert state_of(breaker) == "open"
                continue
            assert part.calls == calls + 1
            if step != "fails":
                failures, opened_at = 0, None
            else:
                failures += 1
                if opened_at is not None or failures >= threshold:
                    opened_at = clock.now
            assert state_of(breaker) == ("closed" if opened_at is None else "open")

    asyncio.run(follow())


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-BREAKER-4")
async def test_breaker_whose_probe_was_cancelled_lets_another_through() -> None:
    clock, part = Clock(), Part()
    breaker = Breaker("the part", BreakerSettings(threshold=1, reset_after=10), clock=clock)
    await outcome(breaker, part.fails)
    clock.now = 10.0
    probing = asyncio.create_task(breaker.call(_never))
    await asyncio.sleep(0)
    assert await outcome(breaker, part.works) == "BreakerOpen"
    probing.cancel()
    await asyncio.wait([probing])
    assert state_of(breaker) == "half-open"
    assert await outcome(breaker, part.works) == "done"
    assert state_of(breaker) == "closed"
    assert breaker.rejected == 1


async def _never() -> str:
    await asyncio.Event().wait()
    return "never"


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-BREAKER-3", "FIR-BREAKER-4")
@pytest.mark.parametrize("late", ["works", "fails"])
async def test_late_outcome_of_an_old_call_changes_nothing(late: str) -> None:
    clock, part, let_go = Clock(), Part(), asyncio.Event()
    breaker = Breaker("the part", BreakerSettings(threshold=1, reset_after=10), clock=clock)

    async def slow() -> str:
        await let_go.wait()
        return await (part.works() if late == "works" else part.fails())

    old = asyncio.create_task(outcome(breaker, slow))
    await asyncio.sleep(0)
    await outcome(breaker, part.fails)
    clock.now = 10.0
    probing = asyncio.create_task(breaker.call(_never))
    await asyncio.sleep(0)
    let_go.set()
    await old
    assert state_of(breaker) == "half-open"
    assert await outcome(breaker, part.works) == "BreakerOpen"
    probing.cancel()
    await asyncio.wait([probing])


@pytest.mark.requirement("FIR-RETRY-2")
@given(
    attempts=st.integers(1, 200),
    base=st.floats(0.001, 10),
    ceiling=st.floats(0.001, 100),
    jitter=st.floats(0, 1),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_pauses_double_up_to_the_ceiling(
    attempts: int, base: float, ceiling: float, jitter: float, chance: float
) -> None:
    sleep = RecordedSleep()
    backoff = Backoff(attempts=attempts, base=base, ceiling=ceiling, jitter=jitter)
    retry = Retry(backoff, chance=lambda: chance, sleep=sleep)
    part = Part()
    with pytest.raises(ModelFailed):
        asyncio.run(retry.run(part.fails))
    assert part.calls == attempts
    longest = [min(ceiling, base * 2**doubled) for doubled in range(attempts - 1)]
    assert sleep.pauses == pytest.approx([pause * (1 - jitter * chance) for pause in longest])


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-RETRY-1")
async def test_refusal_is_not_tried_again() -> None:
    sleep, part = RecordedSleep(), Part()
    with pytest.raises(ModelRefused):
        await Retry(Backoff(attempts=5), sleep=sleep).run(part.refuses)
    assert (part.calls, sleep.pauses) == (1, [])


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-CACHE-7")
async def test_first_to_ask_may_go_away() -> None:
    flights: Flights[str] = Flights()
    let_go = asyncio.Event()
    made = 0

    async def make(_: Flight[str]) -> str:
        nonlocal made
        made += 1
        await let_go.wait()
        return "made"

    first, second = (asyncio.create_task(flights.join("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    let_go.set()
    async with asyncio.timeout(HANG):
        assert await second == "made"
    assert first.cancelled()
    assert made == 1
    await flights.close()


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-END-1")
async def test_closing_ends_what_is_being_made() -> None:
    flights: Flights[str] = Flights()
    waiting = asyncio.create_task(flights.join("key", lambda _: _never()))
    await asyncio.sleep(0)
    async with asyncio.timeout(HANG):
        await flights.close()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.asyncio
@pytest.mark.usefixtures("desk")
@pytest.mark.requirement("FIR-CACHE-8")
async def test_older_report_never_replaces_a_newer_one(database: SqliteFile | PostgresSchema) -> None:
    driver = await open_database(DatabaseSettings(**database.settings))
    stored = Database(driver, Retry(Backoff()), Metrics())
    try:
        await stored.create(Case("revised", "Theft", ["a fact"]))
        case = await stored.revise("revised", ["another fact"])
        assert (case.revision, case.title) == (2, "Theft")
        await stored.save(Report("revised", 2, "newer"))
        await stored.save(Report("revised", 1, "older"))
        assert await stored.load("revised") == (case, "newer")
    finally:
        await stored.close()
