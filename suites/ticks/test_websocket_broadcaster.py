"""The broadcaster in the running service: who gets what, when, and what becomes of those who are away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from ticks_proxy import Proxy
from ticks_support import Client, Feed, Growth, ascending, budget_of_the_service, until

if TYPE_CHECKING:
    from conftest import Launch

pytestmark = [pytest.mark.asyncio]


async def fence(feed: Feed, *clients: Client) -> None:
    """Wait until these have all that was published before: everybody gets the result of a backtest."""
    told = await feed.send({"type": "result", "job": "fence", "trades": 0, "profit": 0.0})
    for client in clients:
        await client.until(lambda client=client: told["last"] in client.sequences)  # type: ignore[misc]


def patterns(client: Client) -> list[str]:
    return [m["pattern"] for m in client.of("pattern")]


@pytest.mark.smoke
@pytest.mark.requirement("TICKS-CAST-1", "TICKS-CAST-2")
@budget_of_the_service("connection", "count == 2", "peak == 1", "errors == 0")
async def test_user_connection_flow(feed: Feed) -> None:
    before = await feed.statistics("broadcaster")
    client = await feed.connect("ada", "Doji", "Hammer")
    welcome = client.of("welcome")[0]
    assert (welcome["user"], welcome["next"], welcome["patterns"]) == (client.user, 1, {})
    now = await feed.statistics("broadcaster")
    assert [now[name] - before[name] for name in ("users", "connections", "subscriptions")] == [1, 1, 2]

    await feed.leave(client)
    assert client.closed == (1000, "")
    left = await feed.statistics("broadcaster")
    assert [left[name] - before[name] for name in ("users", "away", "subscriptions")] == [1, 1, 2]

    back = await feed.connect("ada")
    again = back.of("welcome")[0]
    assert again["epoch"] == welcome["epoch"]
    assert set(again["patterns"]) == {"Doji", "Hammer"}
    assert (await feed.statistics("broadcaster"))["away"] == before["away"]


@pytest.mark.smoke
@pytest.mark.requirement("TICKS-CAST-3", "TICKS-FLOW-4", "TICKS-FLOW-5")
@pytest.mark.budget("delivery", "count == 9", "p50 < 100ms")
async def test_pattern_alert_broadcasting(feed: Feed) -> None:
    doji = await feed.connect("doji", "Doji", measured="delivery")
    both = await feed.connect("both", "Doji", "Hammer", measured="delivery")
    every = await feed.connect("every", "*", measured="delivery")
    nothing = await feed.connect("nothing", measured="delivery")
    for pattern in ("Doji", "Hammer"):
        await feed.alert(pattern)
    await fence(feed, doji, both, every, nothing)

    assert patterns(doji) == ["Doji"]
    assert patterns(both) == patterns(every) == ["Doji", "Hammer"]
    assert patterns(nothing) == []
    alert = doji.of("pattern")[0]
    assert (alert["n"], alert["symbol"], alert["confidence"]) == (1, "AAA", 0.9)
    await every.unsubscribe("*")  # or it would be kept what other tests publish


@pytest.mark.requirement("TICKS-QUEUE-1", "TICKS-QUEUE-2")
async def test_offline_message_queueing(feed: Feed) -> None:
    growth = await Growth.of(feed, "broadcaster")
    doji = feed.name("Doji")
    client = await feed.connect("ada", doji)
    await feed.alert(doji, "AAA")
    await client.until_events(1)
    await feed.leave(client)

    told = await feed.send(
        *({"type": "pattern", "pattern": doji, "symbol": s, "confidence": 0.5} for s in ("BBB", "CCC")),
        {"type": "pattern", "pattern": "Hammer", "symbol": "XXX", "confidence": 0.5},
        {"type": "progress", "job": "x", "percent": 50.0},
        {"type": "pattern", "pattern": doji, "symbol": "DDD", "confidence": 0.5},
    )
    await growth.reach("kept", 3)
    back = await feed.connect("ada")
    await feed.alert(doji, "EEE")
    await back.until_events(4)

    assert [m["symbol"] for m in back.events] == ["BBB", "CCC", "DDD", "EEE"]
    assert [m["n"] for m in back.events] == [2, 3, 4, 5]
    assert back.sequences[0] == told["first"]
    await feed.leave(back)
    third = await feed.connect("ada")
    await feed.alert(doji, "FFF")
    await third.until_events(1)
    assert [m["symbol"] for m in third.events] == ["FFF"]  # what was delivered is not delivered again


@pytest.mark.requirement("TICKS-CAST-5", "TICKS-QUEUE-3")
async def test_stale_connection_cleanup(launch: Launch) -> None:
    broadcast = {"stale_after": 1.0, "sweep": 0.05}
    async with launch(broadcast=broadcast, web={"ping": 0.1}) as feed, Proxy(feed.app.port) as cable:
        quiet = await feed.connect("quiet", "Doji")  # says nothing, but its pongs tell that it lives
        gone = await feed.connect("gone", "Doji", port=cable.port)
        await feed.alerts(3)
        await gone.until_events(3)

        cable.hold()
        await feed.alerts(2)  # sent, and never received
        seen = await feed.until_level("stale", 1)
        assert (seen["connections"], seen["away"]) == (1, 1)
        await feed.alerts(2)
        await quiet.until_events(7)
        assert quiet.closed is None

        back = await feed.connect("gone", resume=gone)
        await back.until_events(4)
        assert [m["n"] for m in gone.events + back.events] == [1, 2, 3, 4, 5, 6, 7]
        await cable.cut()


@pytest.mark.requirement("TICKS-CAST-3")
async def test_filters_by_symbol_and_confidence(feed: Feed) -> None:
    symbols = await feed.connect("symbols")
    sure = await feed.connect("sure")
    answer = await symbols.subscribe("Doji", symbols=["BBB", "CCC"])
    await sure.subscribe("Doji", confidence=0.8)
    assert set(answer["patterns"]["Doji"]["symbols"]) == {"BBB", "CCC"}
    for symbol, confidence in (("AAA", 0.9), ("BBB", 0.79), ("CCC", 0.8), ("BBB", 1.0)):
        await feed.alert("Doji", symbol, confidence=confidence)
    await fence(feed, symbols, sure)

    assert [m["symbol"] for m in symbols.of("pattern")] == ["BBB", "CCC", "BBB"]
    assert [m["confidence"] for m in sure.of("pattern")] == [0.9, 0.8, 1.0]


@pytest.mark.requirement("TICKS-CAST-2", "TICKS-CAST-3")
async def test_subscriptions_are_replaced_and_ended(feed: Feed) -> None:
    client = await feed.connect("ada", "Doji", "*")
    await feed.alert("Doji")  # two subscriptions, one alert
    await fence(feed, client)
    await client.subscribe("Doji", symbols=["ZZZ"])
    assert set((await client.unsubscribe("*", "Never"))["patterns"]) == {"Doji"}
    await feed.alert("Doji")
    await feed.alert("Hammer")
    await feed.alert("Doji", "ZZZ")
    await fence(feed, client)
    await client.unsubscribe("Doji")
    await feed.alert("Doji", "ZZZ")
    await fence(feed, client)
    assert [m["symbol"] for m in client.of("pattern")] == ["AAA", "ZZZ"]


@pytest.mark.requirement("TICKS-CAST-2")
async def test_too_many_patterns_are_refused_as_a_whole(small: Feed) -> None:
    client = await small.connect("ada", "A", "B", "C", "D")
    await client.say(action="subscribe", patterns=["D", "E", "F"])
    error = await client.until_kind("error")
    assert (error["code"], error["message"]) == ("too_many", "a user may have 5 patterns")
    assert set((await client.subscribe("E"))["patterns"]) == {"A", "B", "C", "D", "E"}


@pytest.mark.requirement("TICKS-QUEUE-4", "TICKS-MEMORY-1")
async def test_full_mailbox_keeps_the_newest_and_says_how_many_went(small: Feed) -> None:
    growth = await Growth.of(small, "broadcaster")
    doji = small.name("Doji")
    await small.leave(await small.connect("ada", doji))
    told = await small.alerts(8, doji)
    await growth.reach("kept", 8)

    back = await small.connect("ada")
    await back.until_events(5)
    assert [m["type"] for m in back.received] == ["welcome", "missed"] + ["pattern"] * 5
    assert back.of("missed")[0]["count"] == 3
    assert back.sequences == list(range(told["first"] + 3, told["last"] + 1))
    assert await growth.count("overflowed") == 3


@pytest.mark.requirement("TICKS-QUEUE-4", "TICKS-MEMORY-1")
async def test_full_mailbox_is_measured_in_bytes_as_well(small: Feed) -> None:
    growth = await Growth.of(small, "broadcaster")
    doji = small.name("Doji")
    await small.leave(await small.connect("ada", doji))
    await small.alerts(4, doji, note="x" * 4_000)  # there is room for five messages, and for 10,000 bytes
    await growth.reach("kept", 4)
    levels = await small.statistics("broadcaster")
    assert levels["bytes"] <= 10_000 * levels["users"]
    back = await small.connect("ada")
    await back.until_events(2)
    assert (back.of("missed")[0]["count"], len(back.events)) == (2, 2)


@pytest.mark.requirement("TICKS-MEMORY-1")
async def test_users_who_never_return_are_forgotten(small: Feed) -> None:
    growth = await Growth.of(small, "broadcaster")
    for number in range(9):
        await small.leave(await small.connect(f"user-{number}", "Doji"))
    levels = await small.statistics("broadcaster")
    assert (levels["users"], levels["away"]) == (3, 3)
    assert levels["subscriptions"] <= 3 * 5
    assert await growth.count("forgotten") >= 6
    first, last = await small.connect("user-0"), await small.connect("user-8")
    assert first.of("welcome")[0]["patterns"] == {}
    assert set(last.of("welcome")[0]["patterns"]) == {"Doji"}


@pytest.mark.requirement("TICKS-CAST-4")
async def test_every_client_of_a_user_gets_everything(feed: Feed) -> None:
    one, other = await feed.connect("ada", "Doji"), await feed.connect("ada")
    await feed.alerts(3)
    await asyncio.gather(one.until_events(3), other.until_events(3))
    await one.leave()
    await feed.alerts(2)
    await other.until_events(5)
    assert ascending(m["n"] for m in other.events)
    assert [m["n"] for m in one.events] == [1, 2, 3]
    assert len(await feed.redis.pubsub_channels(f"{feed.app.settings['redis']['prefix']}*")) == 3


@pytest.mark.requirement("TICKS-CAST-6", "TICKS-QUEUE-4")
async def test_slow_client_holds_up_nobody(small: Feed) -> None:
    note, chunk, rounds = "x" * 10_000, 20, 25
    doji = small.name("Doji")
    async with Proxy(small.app.port) as way:
        slow = await small.connect("slow", doji, port=way.port)
        fast = await small.connect("fast", doji)
        way.hold()
        for number in range(1, rounds + 1):  # five megabytes, far more than lies in buffers on the way
            await small.alerts(chunk, doji, note=note)
            await fast.until_events(chunk * number)
        assert fast.of("missed") == []
        levels = await small.statistics("broadcaster")
        assert levels["bytes"] <= 2 * 40 * 10_300 + 3 * 10_000  # room for 40 messages, and others away

        way.release()
        last = fast.sequences[-1]
        await slow.until(lambda: bool(slow.events) and slow.events[-1]["sequence"] == last)
        missed = sum(m["count"] for m in slow.of("missed"))
        assert missed > 0
        assert len(slow.events) + missed == chunk * rounds
        numbers = [m["n"] for m in slow.events]
        assert numbers == sorted(set(numbers))
        assert ascending(slow.sequences[-40:])


@pytest.mark.requirement("TICKS-CAST-6", "TICKS-QUEUE-2")
async def test_backlog_comes_in_frames_that_clients_accept(feed: Feed) -> None:
    doji = feed.name("Doji")
    async with Proxy(feed.app.port) as way:
        client = await feed.connect("ada", doji, port=way.port)
        growth = await Growth.of(feed, "broadcaster")
        way.hold()
        await feed.alerts(100, doji, note="x" * 20_000)  # two megabytes, and a client takes one in a frame
        await growth.reach("addressed", 100)
        way.release()
        await client.until_events(100)
        assert (client.closed, ascending(client.sequences)) == (None, True)


@pytest.mark.requirement("TICKS-CAST-1", "TICKS-QUEUE-1")
async def test_client_that_vanishes_is_away(feed: Feed) -> None:
    before = await feed.statistics("broadcaster")
    doji = feed.name("Doji")
    gone, stays = await feed.connect("gone", doji), await feed.connect("stays", doji)
    await gone.vanish()
    assert gone.closed == (1006, "")
    await feed.until_level("connections", before["connections"] + 1)
    await feed.alerts(2, doji)
    await stays.until_events(2)
    back = await feed.connect("gone")
    await back.until_events(2)
    assert back.sequences == stays.sequences


@pytest.mark.requirement("TICKS-QUEUE-3")
async def test_resumed_client_gets_what_follows_its_last_message(feed: Feed) -> None:
    client = await feed.connect("ada", "Doji")
    await feed.alerts(5)
    await client.until_events(5)
    await feed.leave(client)
    epoch = client.of("welcome")[0]["epoch"]

    back = await feed.connect("ada", after=2, epoch=epoch)
    await back.until_events(3)
    assert [m["n"] for m in back.events] == [3, 4, 5]
    ahead = await feed.connect("ada", after=1_000, epoch=epoch)  # a number that was never given
    await feed.alert()
    await ahead.until_events(1)
    assert [m["n"] for m in ahead.events] == [6]


@pytest.mark.requirement("TICKS-QUEUE-3")
async def test_client_of_another_epoch_is_told_that_messages_are_lost(feed: Feed) -> None:
    client = await feed.connect("ada", after=7, epoch="of another life")
    missed = await client.until_kind("missed")
    assert missed["count"] is None
    assert client.of("welcome")[0]["next"] == 1


@pytest.mark.requirement("TICKS-FLOW-8", "TICKS-CAST-3")
async def test_health_goes_to_those_who_monitor(feed: Feed) -> None:
    monitor, other = await feed.connect("monitor"), await feed.connect("other")
    await monitor.monitor()
    await feed.send({"type": "health", "service": "scanner", "status": "degraded", "text": "slow"})
    await fence(feed, monitor)
    await monitor.monitor(False)
    await feed.send({"type": "health", "service": "scanner", "status": "healthy"})
    await fence(feed, monitor, other)
    assert [(m["service"], m["status"]) for m in monitor.of("health")] == [("scanner", "degraded")]
    assert other.of("health") == []


@pytest.mark.requirement("TICKS-CAST-7")
async def test_statistics_count_what_goes_out(feed: Feed) -> None:
    growth = await Growth.of(feed, "broadcaster")
    doji = feed.name("Doji")
    one = await feed.connect("one", doji)
    await feed.leave(await feed.connect("two", doji))
    await feed.alerts(4, doji)
    await one.until_events(4)
    await one.say(action="dance")
    await one.until_kind("error")

    assert await growth.count("connected") == 2
    assert await growth.count("disconnected") == 1
    assert await growth.count("addressed") == 4
    assert await growth.count("kept") == 4
    assert await growth.count("rejected.invalid") == 1
    assert await growth.count("overflowed") == 0


@pytest.mark.requirement("TICKS-CAST-6")
async def test_commands_without_end_are_answered_one_by_one(feed: Feed) -> None:
    async with AsyncExitStack() as stack:
        flood = await feed.open({"user": feed.name("flood")})
        stack.push_async_callback(flood.close)
        for _ in range(2_000):  # and none of the answers is read meanwhile
            await flood.send('{"action": "monitor"}')
        other = await feed.connect("other", "Doji")
        await feed.alert()
        await other.until_events(1)
        answers = 0
        while answers < 2_001:
            answers += str(await flood.recv()).count("\n") + 1
        assert answers == 2_001
    await until(lambda: feed.statistics("broadcaster"), lambda seen: seen["connections"] == 1)
