"""Each message once and in order, whatever happens to the connection, the server or the handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from chatfleet import client
from chatfleet.errors import Refused
from chatfleet.manager import SessionManager
from chatfleet.retry import RetryPolicy
from sessions_support import HANG, NOW, HeldSleep, Ledger, add_accounts

if TYPE_CHECKING:
    from chatfleet.client import Address
    from chatfleet.protocol import Message
    from chatfleet.server.commands import Kind
    from chatfleet.server.control import Control

pytestmark = pytest.mark.asyncio


@pytest.mark.requirement("2.1", "7.2")
@pytest.mark.budget("monitor.resume", "count == 20", "errors == 0")
async def test_monitors_resume_where_they_were_cut_off(
    chat: Address, server: Control, ledger: Ledger
) -> None:
    sleep = HeldSleep(sleepers=20)
    async with SessionManager(chat, retry=RetryPolicy(sleep=sleep)) as manager:
        accounts = add_accounts(manager, 20)
        for account in accounts:
            await manager.start_monitoring(account, NOW, ledger.handler(account))
            await server.fault("login", "flood", account=account)  # the next login, which will be the second
        await server.post("news", "one", "two")
        await ledger.reach(messages=2, accounts=20)

        await server.disconnect()
        await sleep.all_asleep()
        await server.post("news", "three", "four", "five")
        sleep.let_go()
        await ledger.reach(messages=5, accounts=20)

    assert all(ledger.sequences(account) == [1, 2, 3, 4, 5] for account in accounts)
    assert await server.gauge("replayed") == 20 * 3  # only what was missing is sent again


@pytest.mark.requirement("7.2")
async def test_message_sent_twice_is_handed_on_once(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    await manager.start_monitoring("account", NOW, ledger.handler("account"))
    await server.fault("push", "repeat")
    await server.post("news", "one", "two")
    await ledger.reach(messages=2)
    assert ledger.texts("account") == ["one", "two"]


@pytest.mark.requirement("7.2")
async def test_message_that_was_never_sent_is_fetched(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    await manager.start_monitoring("account", NOW, ledger.handler("account"))
    await server.fault("push", "skip", times=2)
    await server.post("news", "one", "two", "three")
    await ledger.reach(messages=3)
    assert ledger.texts("account") == ["one", "two", "three"]


@pytest.mark.requirement("2.1", "7.2", "7.5")
@pytest.mark.parametrize("kind", ["garbage", "oversize", "drop"])
async def test_monitor_survives_a_connection_spoilt_by_a_scrape(
    manager: SessionManager, server: Control, ledger: Ledger, kind: Kind
) -> None:
    account, other = add_accounts(manager, 2)
    for name in (account, other):
        await manager.start_monitoring(name, NOW, ledger.handler(name))
    await server.post("news", "one")
    await server.fault("history", kind, account=account)

    page = await manager.scrape("news", account=account)
    await server.post("news", "two")
    await ledger.reach(messages=2, accounts=2)

    assert [message.text for message in page] == ["one"]
    assert ledger.texts(account) == ledger.texts(other) == ["one", "two"]
    assert await server.gauge("logins") == 3  # the other session kept its connection


@pytest.mark.requirement("2.1", "2.4")
async def test_slow_handler_loses_nothing_and_delays_no_scrape(
    manager: SessionManager, server: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "INBOX_LIMIT", 10)
    received: list[int] = []
    go_on, all_there = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> None:
        await go_on.wait()
        received.append(message.sequence)
        if message.sequence == 100:
            all_there.set()

    manager.add("account")
    await manager.start_monitoring("account", NOW, handle)
    await server.post("news", *(f"message {number}" for number in range(100)))
    async with asyncio.timeout(HANG):
        # The answer comes behind all pushed messages, ninety of which found no room.
        assert len(await manager.scrape("news", account="account")) == 100
        go_on.set()
        await all_there.wait()

    assert received == list(range(1, 101))


@pytest.mark.requirement("7.2", "7.5")
async def test_failing_handler_ends_no_monitor(
    manager: SessionManager, server: Control, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    account, other = add_accounts(manager, 2)
    write_down = ledger.handler(account)

    async def fail_on_the_first(message: Message) -> None:
        if message.sequence == 1:
            raise ZeroDivisionError("a mistake in the handler")
        await write_down(message)

    await manager.start_monitoring(account, NOW, fail_on_the_first)
    await manager.start_monitoring(other, NOW, ledger.handler(other))
    await server.post("news", "one", "two")
    await ledger.reach(messages=2)
    await ledger.reach(messages=1, accounts=2)

    assert ledger.texts(account) == ["two"]
    assert ledger.texts(other) == ["one", "two"]
    assert "the handler failed on news/1" in caplog.text


@pytest.mark.requirement("2.1")
async def test_next_monitor_goes_on_where_the_last_one_stopped(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    await manager.start_monitoring("account", NOW, ledger.handler("account"))
    await server.post("news", "one")
    await ledger.reach(messages=1)

    positions = await manager.stop_monitoring("account")
    await server.until("subscribed", 0)
    await server.post("news", "two", "three")
    await manager.start_monitoring("account", positions, ledger.handler("account"))
    await server.post("news", "four")
    await ledger.reach(messages=4)

    assert positions == {"news": 1}
    assert ledger.sequences("account") == [1, 2, 3, 4]


@pytest.mark.requirement("2.1")
async def test_monitor_stopped_before_its_first_step_can_be_started_again(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    manager.add("account")
    await manager.start_monitoring("account", NOW, ledger.handler("account"))
    positions = await manager.stop_monitoring("account")  # nothing in between has let its task begin
    assert manager.status().monitoring == set()
    await server.post("news", "one")
    await manager.start_monitoring("account", positions, ledger.handler("account"))
    await ledger.reach(messages=1)
    assert ledger.texts("account") == ["one"]


@pytest.mark.requirement("2.1")
async def test_message_whose_handler_was_cut_short_comes_again(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    entered = asyncio.Event()

    async def never_finish(_: Message) -> None:
        entered.set()
        await asyncio.Event().wait()

    manager.add("account")
    await manager.start_monitoring("account", NOW, never_finish)
    await server.post("news", "one")
    async with asyncio.timeout(HANG):
        await entered.wait()
        positions = await manager.stop_monitoring("account")
    await manager.start_monitoring("account", positions, ledger.handler("account"))
    await ledger.reach(messages=1)
    assert ledger.texts("account") == ["one"]


@pytest.mark.requirement("2.1", "7.5")
async def test_start_is_tried_again_after_transient_errors(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    accounts = add_accounts(manager, 3)
    await server.fault("login", "drop", account=accounts[0])
    await server.fault("subscribe", "flood", account=accounts[1])
    for account in accounts:
        await manager.start_monitoring(account, NOW, ledger.handler(account))
    await server.post("news", "one")
    await ledger.reach(messages=1, accounts=3)
    assert manager.status().retries == 2


@pytest.mark.requirement("2.1", "7.2")
async def test_start_goes_on_when_the_server_stays_silent(
    chat: Address, server: Control, ledger: Ledger
) -> None:
    await server.fault("subscribe", "silence")
    retry = RetryPolicy(attempts=20, base=0.01)
    async with SessionManager(chat, retry=retry, request_timeout=0.5) as manager:
        manager.add("account")
        await manager.start_monitoring("account", NOW, ledger.handler("account"))
        await server.post("news", "one")
        await ledger.reach(messages=1)
        assert manager.status().retries >= 1
        assert await server.gauge("logins") >= 2  # a connection that stays silent is not trusted again


@pytest.mark.requirement("2.1", "7.2")
async def test_scrape_without_an_answer_costs_the_monitor_nothing(
    chat: Address, server: Control, ledger: Ledger
) -> None:
    await server.fault("history", "silence")
    async with SessionManager(chat, retry=RetryPolicy(base=0.01), request_timeout=0.5) as manager:
        manager.add("account")
        await manager.start_monitoring("account", NOW, ledger.handler("account"))
        assert await manager.scrape("news", account="account") == []
        assert "monitor.resume" not in manager.status().operations
        assert manager.status().retries == 1
    assert await server.gauge("logins") == 1  # the connection answers all else, so it is kept


@pytest.mark.requirement("7.2", "7.5")
async def test_monitor_that_is_refused_says_so_and_can_be_started_again(
    manager: SessionManager, server: Control, ledger: Ledger
) -> None:
    account, other = add_accounts(manager, 2)
    for name in (account, other):
        await manager.start_monitoring(name, NOW, ledger.handler(name))
    await server.fault("login", "refuse", account=account)
    await server.disconnect([account])

    assert await manager.monitor_ended(account) == "the server refuses (refused)"
    status = manager.status()
    assert status.monitoring == {other}
    assert status.failures == {account: "the server refuses (refused)"}
    await server.fault("login", "refuse", account=account)
    with pytest.raises(Refused):
        await manager.start_monitoring(account, NOW, ledger.handler(account))
    await manager.start_monitoring(account, NOW, ledger.handler(account))
    status = manager.status()
    assert status.monitoring == {account, other}
    assert status.failures == {}
