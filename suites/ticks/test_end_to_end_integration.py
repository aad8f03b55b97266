"""From the publisher's process through Redis and the service to WebSocket clients."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from marketfeed.publisher.market import SYMBOLS
from ticks_support import Feed, Growth, ascending, budget_of_the_service

from itdash import probe

if TYPE_CHECKING:
    from ticks_processes import RedisProcess

pytestmark = [pytest.mark.asyncio]


class TestEndToEndIntegration:
    @pytest.mark.smoke
    @pytest.mark.requirement(
        "TICKS-FLOW-1", "TICKS-FLOW-2", "TICKS-FLOW-3", "TICKS-FLOW-4", "TICKS-FLOW-5", "TICKS-FLOW-6"
    )
    @pytest.mark.budget("delivery", "count == 38", "p95 < 100ms")
    @budget_of_the_service("subscriber.message", "count == 50", "errors == 0", "p95 < 100ms")
    async def test_complete_pattern_alert_flow(self, feed: Feed) -> None:
        doji, hammer = feed.name("Doji"), feed.name("Hammer")
        subscribed = await feed.connect("subscribed", doji, measured="delivery")
        filtered = await feed.connect("filtered", measured="delivery")
        await filtered.subscribe(doji, symbols=["BBB"])
        other = await feed.connect("other", hammer, measured="delivery")
        subscriber, bus = await Growth.of(feed, "subscriber"), await Growth.of(feed, "bus")

        for number in range(25):
            told = await feed.alert(doji, SYMBOLS[number % 2], note=f"number {number}")
            assert told["receivers"] == 1  # Redis handed it on
            await subscribed.until_events(number + 1)
        await feed.alerts(24, "Unwanted")
        await feed.alert(hammer)
        await other.until_events(1)

        assert await subscriber.count("accepted.PatternAlert") == 50
        assert await bus.count("handled.broadcaster") == 50
        assert [m["note"] for m in subscribed.events] == [f"number {number}" for number in range(25)]
        assert [m["note"] for m in filtered.events] == [f"number {number}" for number in range(1, 25, 2)]
        assert [m["pattern"] for m in other.events] == [hammer]
        alert = subscribed.events[0]
        assert set(alert) == {
            *("n", "type", "source", "sequence", "published", "pattern", "symbol", "confidence", "note")
        }

    @pytest.mark.requirement("TICKS-FLOW-7")
    @pytest.mark.budget("delivery", "count == 44", "p95 < 100ms")
    async def test_complete_backtesting_workflow(self, feed: Feed) -> None:
        job = feed.name("job")
        watching = [await feed.connect(f"watching-{n}", measured="delivery") for n in range(2)]
        away = await feed.connect("away")
        await feed.leave(away)

        percents = [5.0 * step for step in range(21)]
        await feed.send(*({"type": "progress", "job": job, "percent": percent} for percent in percents))
        await feed.send({"type": "result", "job": job, "trades": 12, "profit": 345.5})

        for client in watching:
            await client.until_kind("result")
            assert [m["percent"] for m in client.of("progress")] == percents
            assert [m["type"] for m in client.events] == ["progress"] * 21 + ["result"]
            assert ascending(client.sequences)
            result = client.events[-1]
            assert (result["job"], result["trades"], result["profit"]) == (job, 12, 345.5)
        back = await feed.connect("away")
        assert (await back.until_kind("result"))["job"] == job
        assert back.of("progress") == []  # who was away wants to know how it ended

    @pytest.mark.requirement("TICKS-EVENTS-1", "TICKS-EVENTS-3", "TICKS-FLOW-8", "TICKS-COVER-2")
    async def test_mixed_event_types_concurrent_processing(self, feed: Feed) -> None:
        doji = feed.name("Doji")
        alerts = await feed.connect("alerts", doji)
        monitor = await feed.connect("monitor")
        await monitor.monitor()
        drafts = [
            draft
            for number in range(50)
            for draft in (
                {"type": "pattern", "pattern": doji, "symbol": "AAA", "confidence": number / 50},
                {"type": "progress", "job": doji, "percent": float(number)},
                {"type": "health", "service": doji, "status": "healthy", "text": str(number)},
                {"type": "result", "job": doji, "trades": number, "profit": 0.0},
            )
        ]
        growth = await Growth.of(feed, "subscriber")
        await feed.send(*drafts)
        await alerts.until_events(150)
        await monitor.until_events(150)

        assert [m["type"] for m in alerts.events] == ["pattern", "progress", "result"] * 50
        assert [m["type"] for m in monitor.events] == ["progress", "health", "result"] * 50
        assert [m["trades"] for m in alerts.of("result")] == list(range(50))
        assert [m["text"] for m in monitor.of("health")] == [str(number) for number in range(50)]
        for kind in ("PatternAlert", "BacktestProgress", "BacktestResult", "ServiceHealth"):
            assert await growth.count(f"accepted.{kind}") == 50

    @pytest.mark.requirement("TICKS-THROUGHPUT-1")
    @pytest.mark.budget("hundred", "count == 1", "max < 2.5s")
    @pytest.mark.budget("delivery", "count == 100", "p95 < 2s")
    async def test_high_throughput_event_processing(self, feed: Feed) -> None:
        doji = feed.name("Doji")
        client = await feed.connect("ada", doji, measured="delivery")
        async with probe.operation("hundred"):
            await feed.order("burst", count=100, patterns=[doji])
            await client.until_events(100)
        assert ascending(client.sequences)
        assert [m["n"] for m in client.events] == list(range(1, 101))

    @pytest.mark.requirement("TICKS-SCALE-2", "TICKS-CAST-3")
    async def test_filtering_is_exact(self, feed: Feed) -> None:
        chance = random.Random(20_25)
        names = [feed.name(f"P{number}") for number in range(6)]
        wishes = []
        clients = []
        for number in range(20):
            wish = (
                chance.sample(names, chance.randrange(1, 4)),
                chance.sample(SYMBOLS, chance.randrange(3)),
                chance.choice([0.0, 0.25, 0.5]),
            )
            client = await feed.connect(f"user-{number}")
            await client.subscribe(*wish[0], symbols=wish[1], confidence=wish[2])
            wishes.append(wish)
            clients.append(client)
        told = await feed.order("burst", count=300, patterns=names)
        await feed.send({"type": "result", "job": "end", "trades": 0, "profit": 0.0})
        await asyncio.gather(*(client.until_kind("result") for client in clients))

        for client, (patterns, symbols, confidence) in zip(clients, wishes, strict=True):
            wanted = [
                told["first"] + number
                for number in range(300)
                if names[number % 6] in patterns
                and (not symbols or SYMBOLS[number % 4] in symbols)
                and number % 100 / 100 >= confidence
            ]
            assert [m["sequence"] for m in client.of("pattern")] == wanted

    @pytest.mark.requirement("TICKS-RECOVERY-1", "TICKS-RECOVERY-4")
    @pytest.mark.parametrize("how", ["killed", "stopped"])
    async def test_clients_stay_while_redis_is_away(
        self, frail: Feed, frail_redis: RedisProcess, how: str
    ) -> None:
        client = await frail.connect("ada", "Doji")
        await frail.alert()
        await client.until_events(1)
        if how == "killed":
            frail_redis.kill()
        else:
            frail_redis.stop()
        await frail.until_status("degraded")
        with pytest.raises(AssertionError, match="error"):
            await frail.alert()  # the publisher is told, and goes on
        late = await frail.connect("late", "Doji")  # users come as ever

        frail_redis.start()
        await frail.until_status("healthy")
        await frail.alert()
        await client.until_events(2)
        await late.until_events(1)
        assert (client.closed, client.of("missed")) == (None, [])
        assert [m["n"] for m in client.events] == [1, 2]

    @pytest.mark.requirement("TICKS-ISOLATION-1", "TICKS-SUB-3")
    async def test_errors_stay_where_they_are(self, feed: Feed) -> None:
        doji = feed.name("Doji")
        good, bad = await feed.connect("good", doji), await feed.connect("bad", doji)
        growth = await Growth.of(feed, "subscriber")
        for _ in range(10):
            await feed.raw(b'{"type": "pattern"')
            await feed.alert(doji)
            await bad.websocket.send("{")
        await good.until_events(10)
        await bad.until_events(10)
        assert len(bad.of("error")) >= 1
        assert await growth.count("rejected.malformed") == 10
        assert (await feed.health())["status"] == "healthy"

    @pytest.mark.requirement("TICKS-FLOW-8", "TICKS-FLOW-9")
    @pytest.mark.budget("health.delivery", "count == 20", "p95 < 100ms")
    async def test_health_reaches_monitoring_clients_at_once(self, feed: Feed) -> None:
        monitor = await feed.connect("monitor", measured="health.delivery")
        await monitor.monitor()
        service = feed.name("scanner")
        for number in range(20):
            status = ("degraded", "healthy")[number % 2]
            await feed.send({"type": "health", "service": service, "status": status})
            await monitor.until_kind("health", number + 1)
            report = await feed.health()
            assert (report["market"], report["services"][service]["status"]) == (status, status)
            assert report["status"] == "healthy"  # the market's troubles are not this service's
