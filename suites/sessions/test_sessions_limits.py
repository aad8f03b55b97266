"""Who waits for whom: slots, locks, pauses between attempts, and the end of it all."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from chatfleet.errors import FloodWait, Interrupted, Refused, RequestTimedOut, ServerFault, UnknownSession
from chatfleet.manager import SessionManager
from chatfleet.metrics import Counts, ShutdownReport, Status
from chatfleet.retry import RetryPolicy
from sessions_support import HANG, NOW, HeldSleep, Ledger, RecordedSleep, add_accounts

if TYPE_CHECKING:
    from chatfleet.client import Address
    from chatfleet.protocol import Message
    from chatfleet.server.control import Control


@pytest.mark.asyncio
@pytest.mark.requirement("4.2")
@pytest.mark.budget("scrape", "count == 8", "peak == 1", "errors == 0")
async def test_waiting_scrapes_are_served_in_the_order_they_came(chat: Address, server: Control) -> None:
    await server.gate(1_000)
    done: list[str] = []
    async with SessionManager(chat, scrape_limit=1) as manager, asyncio.timeout(HANG):
        accounts = add_accounts(manager, 8)

        async def scrape(account: str) -> None:
            await manager.scrape("news", account=account)
            done.append(account)

        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(scrape(account))
            await server.until("held", 1)
            assert manager.status().scrapes_waiting == 7
            await server.gate(0)
    assert done == accounts


@pytest.mark.asyncio
@pytest.mark.requirement("4.1", "4.2", "SESSIONS-LIVE-1")
@pytest.mark.budget("scrape", "count == 10", "peak == 5", "errors == 0")
async def test_waiting_for_a_busy_session_takes_no_slot(manager: SessionManager, server: Control) -> None:
    accounts = add_accounts(manager, 5)
    await server.gate(5)
    async with asyncio.timeout(HANG):
        # The second scrape of each session comes before the first of the next, and must not keep it out.
        await asyncio.gather(
            *(manager.scrape("news", account=account) for account in accounts for _ in range(2))
        )
    assert await server.gauge("served") == 10


@pytest.mark.asyncio
@pytest.mark.requirement("4.3", "7.1", "7.5")
async def test_pause_before_the_next_attempt_takes_no_slot(chat: Address, server: Control) -> None:
    sleep = HeldSleep(sleepers=5)
    retry = RetryPolicy(sleep=sleep)
    async with SessionManager(chat, scrape_limit=5, retry=retry) as manager, asyncio.timeout(HANG):
        *flooded, free = add_accounts(manager, 6)
        for account in flooded:
            await server.fault("history", "flood", account=account, retry_after=60)
        async with asyncio.TaskGroup() as group:
            for account in flooded:
                group.create_task(manager.scrape("news", account=account))
            await sleep.all_asleep()
            assert manager.status().scrapes_active == 0
            assert manager.status().locked == set(flooded)
            await manager.scrape("news", account=free)
            sleep.let_go()
        assert manager.status().locked == set()


@pytest.mark.asyncio
@pytest.mark.requirement("4.3", "7.1", "7.2", "SESSIONS-METRICS-1", "SESSIONS-METRICS-2")
async def test_cancelled_callers_leave_no_trace(manager: SessionManager, server: Control) -> None:
    accounts = add_accounts(manager, 10)
    await server.gate(1_000)
    callers = [asyncio.create_task(manager.scrape("news", account=account)) for account in accounts]
    await server.until("held", 5)
    assert manager.status().scrapes_waiting == 5

    for caller in callers[:4] + callers[6:]:  # some that run, some that wait
        caller.cancel()
    await server.gate(0)
    outcomes = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes[4:6]] == [list, list]
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 8
    status = manager.status()
    assert (status.scrapes_active, status.scrapes_waiting, status.tasks) == (0, 0, 0)
    assert status.load == dict.fromkeys(accounts, 0)
    assert status.operations["scrape"] == Counts(started=6, succeeded=2, cancelled=4)
    async with asyncio.timeout(HANG):
        await asyncio.gather(*(manager.scrape("news", account=account) for account in accounts))


@pytest.mark.asyncio
@pytest.mark.requirement("2.4")
async def test_monitor_and_scrape_that_begin_together_share_a_connection(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    async with asyncio.timeout(HANG):
        await asyncio.gather(
            manager.start_monitoring("account", NOW, ledger.handler("account")),
            manager.scrape("news", account="account"),
        )
    assert manager.status().retries == 0
    assert await server.gauge("logins") == 1


@pytest.mark.asyncio
@pytest.mark.requirement("4.1")
async def test_scrape_goes_through_the_session_with_the_least_to_do(
    manager: SessionManager, server: Control
) -> None:
    busy, idle = add_accounts(manager, 2)
    await server.gate(3)
    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        group.create_task(manager.scrape("news", account=busy))
        await server.until("held", 1)
        group.create_task(manager.scrape("news"))
        await server.until("held", 2)
        assert manager.status().load == {busy: 1, idle: 1}
        await server.gate(0)


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2")
@pytest.mark.budget("scrape", "count == 1", "errors == 1")
async def test_permanent_error_is_not_tried_again(manager: SessionManager, server: Control) -> None:
    manager.add("account")
    await server.fault("history", "refuse")
    with pytest.raises(Refused, match="the server refuses"):
        await manager.scrape("news")
    assert manager.status().retries == 0


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2", "SESSIONS-RETRY-1", "SESSIONS-ERRORS-1")
async def test_last_attempt_tells_its_error(chat: Address, server: Control) -> None:
    await server.fault("history", "fault", times=3)
    sleep = RecordedSleep()
    async with SessionManager(chat, retry=RetryPolicy(base=1.0, jitter=0.0, sleep=sleep)) as manager:
        manager.add("account")
        with pytest.raises(ServerFault):
            await manager.scrape("news")
        assert manager.status().load == {"account": 0}
        await manager.scrape("news")
    assert sleep.pauses == [1.0, 2.0]


@pytest.mark.asyncio
@pytest.mark.requirement("7.2")
async def test_flood_wait_beyond_all_patience_is_an_error(manager: SessionManager, server: Control) -> None:
    manager.add("account")
    await server.fault("history", "flood", retry_after=86_400)
    with pytest.raises(FloodWait) as caught:
        await manager.scrape("news")
    assert caught.value.seconds == 86_400


@pytest.mark.requirement("7.2")
def test_pauses_double_up_to_the_ceiling() -> None:
    policy = RetryPolicy(attempts=None, base=0.5, ceiling=3.0, jitter=0.5, chance=lambda: 1.0)
    error = RequestTimedOut("silence")
    assert [policy.pause(attempt, error) for attempt in (1, 2, 3, 4, 5_000)] == [0.25, 0.5, 1.0, 1.5, 1.5]
    assert policy.pause(1, FloodWait(20)) == 20


@pytest.mark.asyncio
@pytest.mark.requirement("5.4", "7.5")
async def test_removed_session_disturbs_no_other(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    gone, other = add_accounts(manager, 2)
    for account in (gone, other):
        await manager.start_monitoring(account, NOW, ledger.handler(account))
    await server.gate(1_000)
    scrapes = [asyncio.create_task(manager.scrape("news", account=name)) for name in (gone, gone, other)]
    await server.until("held", 2)

    assert await manager.remove(gone) == ShutdownReport(cancelled=3)
    await server.until("connected", 1)
    await server.post("news", "one")
    await server.gate(0)

    ended, waiting, whole = await asyncio.gather(*scrapes, return_exceptions=True)
    assert isinstance(ended, Interrupted)
    assert isinstance(waiting, Interrupted)
    assert isinstance(whole, list)
    await ledger.reach(messages=1)
    assert ledger.texts(other) == ["one"]
    assert manager.status().sessions == {other}
    with pytest.raises(UnknownSession):
        await manager.scrape("news", account=gone)


@pytest.mark.asyncio
@pytest.mark.requirement("5.4", "6.2")
async def test_shutdown_does_not_wait_for_ever(manager: SessionManager, server: Control) -> None:
    entered, let_go, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn(_: Message) -> None:
        entered.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        left.set()

    manager.add("account")
    await manager.start_monitoring("account", NOW, stubborn)
    await server.post("news", "one")
    async with asyncio.timeout(HANG):
        await entered.wait()
        try:
            with pytest.raises(TimeoutError, match="the monitor of 'account' did not end within"):
                await manager.stop_monitoring("account", timeout=0.05)
            report = await manager.shutdown(timeout=0.05)
        finally:
            let_go.set()

        assert report == ShutdownReport(cancelled=0, stuck=("monitor of account",))
        assert manager.status() == Status()
        await server.until("connected", 0)
        await left.wait()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
    assert manager.status() == Status()
    assert await server.gauge("logins") == 1  # what was stuck does not connect again


@pytest.mark.asyncio
@pytest.mark.requirement("5.4", "6.2", "SESSIONS-CLEAN-1")
@pytest.mark.parametrize("way", ["remove", "shutdown"])
async def test_end_whose_caller_gives_up_waiting_leaves_nothing_open(
    manager: SessionManager, server: Control, way: str
) -> None:
    entered, let_go = asyncio.Event(), asyncio.Event()

    async def stubborn(_: Message) -> None:
        entered.set()
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()

    manager.add("account")
    await manager.start_monitoring("account", NOW, stubborn)
    await server.post("news", "one")
    async with asyncio.timeout(HANG):
        await entered.wait()
        ending = asyncio.create_task(
            manager.remove("account", timeout=HANG) if way == "remove" else manager.shutdown(timeout=HANG)
        )
        await asyncio.sleep(0)
        ending.cancel()
        try:
            await asyncio.wait([ending])
            await server.until("connected", 0)
        finally:
            let_go.set()
    assert ending.cancelled()
    assert manager.status().sessions == set()


@pytest.mark.asyncio
@pytest.mark.requirement("5.4")
@pytest.mark.budget("shutdown", "count == 1")
async def test_shutdown_happens_once(manager: SessionManager, server: Control, ledger: Ledger) -> None:
    manager.add("account")
    await manager.start_monitoring("account", NOW, ledger.handler("account"))
    first, second = await asyncio.gather(manager.shutdown(), manager.shutdown())
    assert first == ShutdownReport(cancelled=1)
    assert second == ShutdownReport()
    await server.until("connected", 0)


@pytest.mark.asyncio
@pytest.mark.requirement("5.4")
async def test_shutdown_ends_what_is_only_about_to_start(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    await server.fault("subscribe", "silence")
    start = asyncio.create_task(manager.start_monitoring("account", NOW, ledger.handler("account")))
    await server.until("logins", 1)
    assert await manager.shutdown() == ShutdownReport(cancelled=1)
    with pytest.raises(Interrupted):
        await start
    assert manager.status() == Status()
    await server.until("connected", 0)
