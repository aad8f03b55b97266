"""The six scenarios: a fleet under load, with a limit, with errors, and at its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from chatfleet.errors import Interrupted, Refused
from chatfleet.manager import SessionManager
from chatfleet.metrics import Counts, ShutdownReport, Status
from chatfleet.retry import RetryPolicy
from sessions_support import HANG, NOW, Ledger, RecordedSleep, add_accounts

from itdash import probe

if TYPE_CHECKING:
    from chatfleet.client import Address
    from chatfleet.server.control import Control


@pytest.mark.asyncio
@pytest.mark.requirement("2.1", "SESSIONS-TIME-1", "SESSIONS-METRICS-1", "SESSIONS-LIVE-1")
@pytest.mark.budget("monitor.start", "count == 250", "peak == 250", "errors == 0")
@pytest.mark.budget("monitor.all", "max < 1s")
async def test_250_sessions_monitoring_simultaneously(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    accounts = add_accounts(manager, 250)

    async with probe.operation("monitor.all"):
        await asyncio.gather(
            *(manager.start_monitoring(account, NOW, ledger.handler(account)) for account in accounts)
        )

    status = manager.status()
    assert status.monitoring == set(accounts)
    assert status.operations == {"monitor.start": Counts(started=250, succeeded=250)}
    assert await server.gauge("connected") == 250
    assert await server.gauge("subscribed") == 250
    await server.post("news", "to all of you")
    await ledger.reach(messages=1, accounts=250)


@pytest.mark.asyncio
@pytest.mark.requirement("2.1", "2.4", "SESSIONS-TIME-2")
@pytest.mark.budget("scrape", "count == 5", "peak == 5", "errors == 0", "max < 3s")
@pytest.mark.budget("monitor.start", "count == 10", "errors == 0")
async def test_scraping_while_monitoring(manager: SessionManager, server: Control, ledger: Ledger) -> None:
    accounts = add_accounts(manager, 10)
    await server.post("archive", "first", "second", "third")
    for account in accounts[:-1]:
        await manager.start_monitoring(account, NOW, ledger.handler(account))
    await server.gate(1_000)  # every scrape hangs until the gate opens

    async with asyncio.timeout(HANG), asyncio.TaskGroup() as group:
        scrapes = [group.create_task(manager.scrape("archive", account=name)) for name in accounts[5:]]
        await server.until("held", 5)
        # All slots are taken, and the last session begins to monitor in the middle of its own scrape.
        await manager.start_monitoring(accounts[-1], NOW, ledger.handler(accounts[-1]))
        await server.post("news", "one", "two", "three")
        await ledger.reach(messages=3, accounts=10)
        assert manager.status().scrapes_active == 5
        await server.gate(0)

    for scrape in scrapes:
        assert [message.text for message in scrape.result()] == ["third", "second", "first"]
    assert manager.status().monitoring == set(accounts)
    assert all(ledger.texts(account) == ["one", "two", "three"] for account in accounts)


@pytest.mark.asyncio
@pytest.mark.requirement("4.1", "4.2", "4.3", "SESSIONS-TIME-3")
@pytest.mark.budget("scrape", "count == 20", "peak == 5", "p95 < 250ms", "errors == 0")
@pytest.mark.budget("scrape.all", "max < 880ms")
async def test_concurrent_scraping_with_limit(manager: SessionManager, server: Control) -> None:
    add_accounts(manager, 10)
    channels = [f"channel-{number}" for number in range(20)]
    for channel in channels:
        await server.post(channel, f"welcome to {channel}")
    await server.slow(0.2)
    await server.gate(5)  # makes it certain that five come together, where the delay makes it only likely

    async with asyncio.timeout(HANG), probe.operation("scrape.all"):
        results = await asyncio.gather(*(manager.scrape(channel) for channel in channels))

    assert [message.text for page in results for message in page] == [f"welcome to {c}" for c in channels]
    status = manager.status()
    assert (status.scrapes_active, status.scrapes_waiting) == (0, 0)
    assert status.operations["scrape"] == Counts(started=20, succeeded=20)


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2", "7.5", "SESSIONS-METRICS-2", "SESSIONS-ERRORS-1", "SESSIONS-TIME-4")
@pytest.mark.budget("scrape", "count == 10", "errors == 1")
@pytest.mark.budget("scrape.all", "max < 1s")
async def test_error_recovery_locks_released(manager: SessionManager, server: Control) -> None:
    accounts = add_accounts(manager, 5)
    await server.post("archive", "still here")
    await server.fault("history", "refuse", account=accounts[2])

    async with probe.operation("scrape.all"):
        first = await asyncio.gather(
            *(manager.scrape("archive", account=account) for account in accounts), return_exceptions=True
        )

    assert [type(result) for result in first] == [list, list, Refused, list, list]
    status = manager.status()
    assert status.operations["scrape"] == Counts(started=5, succeeded=4, failed=1)
    assert status.locked == set()
    assert status.load == dict.fromkeys(accounts, 0)
    assert (status.scrapes_active, status.scrapes_waiting, status.tasks) == (0, 0, 0)
    async with asyncio.timeout(HANG):
        again = await asyncio.gather(*(manager.scrape("archive", account=account) for account in accounts))
    assert all(page[0].text == "still here" for page in again)


@pytest.mark.asyncio
@pytest.mark.requirement("7.1", "7.2", "SESSIONS-RETRY-1", "SESSIONS-METRICS-2")
@pytest.mark.budget("scrape", "count == 4", "errors == 2")
async def test_error_recovery_with_retry(chat: Address, server: Control) -> None:
    await server.post("archive", "worth waiting for")
    await server.fault("history", "flood", account="account-0", retry_after=0.3)
    await server.fault("history", "drop", account="account-0")
    sleep = RecordedSleep()
    retry = RetryPolicy(attempts=3, base=0.1, chance=lambda: 0.0, sleep=sleep)

    async with SessionManager(chat, retry=retry) as manager:
        shaky, steady = add_accounts(manager, 2)
        pages = await asyncio.gather(
            manager.scrape("archive", account=shaky), manager.scrape("archive", account=steady)
        )
        status = manager.status()

    assert [page[0].text for page in pages] == ["worth waiting for"] * 2
    assert sleep.pauses == [0.3, 0.2]  # as long as the server asked for, then twice the base
    assert status.retries == 2
    assert status.operations["scrape"] == Counts(started=4, succeeded=2, failed=2)
    assert status.locked == set()
    assert status.load == {shaky: 0, steady: 0}
    assert await server.gauge("logins") == 3  # only the session that was dropped had to come back


@pytest.mark.asyncio
@pytest.mark.requirement("5.4", "6.2", "SESSIONS-CLEAN-1", "SESSIONS-TIME-5")
@pytest.mark.budget("shutdown", "count == 1", "max < 100ms", "errors == 0")
@pytest.mark.budget("scrape", "peak == 5")
async def test_graceful_shutdown_with_active_operations(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    accounts = add_accounts(manager, 10)
    for account in accounts:
        await manager.start_monitoring(account, NOW, ledger.handler(account))
    await server.gate(1_000)
    scrapes = [asyncio.create_task(manager.scrape("news", account=account)) for account in accounts[:5]]
    await server.until("held", 5)

    report = await manager.shutdown(timeout=10)

    assert report == ShutdownReport(cancelled=15)
    assert manager.status() == Status()
    for outcome in await asyncio.gather(*scrapes, return_exceptions=True):
        assert isinstance(outcome, Interrupted)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await server.until("connected", 0)
    with pytest.raises(Interrupted):
        await manager.scrape("news")
