"""The subscriber by itself, in this process, against a real Redis: types, order, faults, recovery."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from marketfeed.bus import EventBus
from marketfeed.errors import StartError
from marketfeed.events import (
    CHANNELS,
    BacktestProgress,
    BacktestResult,
    Event,
    PartHealth,
    PatternAlert,
    ServiceHealth,
)
from marketfeed.settings import Backoff, RedisSettings
from marketfeed.subscriber import RedisEventSubscriber
from redis.asyncio import Redis
from ticks_ear import Ear, RecordedSleep
from ticks_support import HANG, event, until

if TYPE_CHECKING:
    from ticks_processes import Publisher, RedisProcess
    from ticks_proxy import Proxy

pytestmark = [pytest.mark.asyncio]

SOON: dict[str, Any] = {"heartbeat": 0.2, "timeout": 0.5}
"""How soon silence is noticed."""


async def subscribers(redis: Redis, prefix: str) -> list[int]:
    """How many listen to each channel, as Redis tells."""
    names = [f"{prefix}:{channel}" for channel in CHANNELS]
    return [count for _, count in await redis.pubsub_numsub(*names)]


@pytest.mark.smoke
@pytest.mark.requirement("TICKS-SUB-1", "TICKS-SUB-6")
async def test_subscriber_initialization_and_startup(redis_url: str, channels: str, speaker: Redis) -> None:
    ear = Ear(redis_url, channels)
    assert (ear.subscriber.running, ear.subscriber.status) == (False, "down")
    assert await subscribers(speaker, channels) == [0, 0, 0]

    async with ear:
        assert (ear.subscriber.running, ear.subscriber.status) == (True, "healthy")
        assert await subscribers(speaker, channels) == [1, 1, 1]
        await ear.subscriber.start()  # it runs already
        assert await subscribers(speaker, channels) == [1, 1, 1]
        assert ear.subscriber.statistics.snapshot() == {"connections": 1}

    assert ear.subscriber.running is False
    await until(lambda: subscribers(speaker, channels), lambda seen: seen == [0, 0, 0])
    assert ear.statuses == ["healthy", "down"]


@pytest.mark.requirement("TICKS-FLOW-2", "TICKS-FLOW-3", "TICKS-LATENCY-2")
@pytest.mark.budget("subscriber.message", "count == 100", "p95 < 100ms", "errors == 0")
async def test_pattern_event_processing(redis_url: str, channels: str, publisher: Publisher) -> None:
    draft = {"type": "pattern", "pattern": "Double Top", "symbol": "BRK.B", "confidence": 0.75, "note": "!"}
    async with Ear(redis_url, channels) as ear:
        told = await asyncio.to_thread(publisher.order, "send", channels, drafts=[draft] * 100)
        heard = await ear.until_heard(100)

    assert told["receivers"] == 1
    first = heard[0]
    assert first == PatternAlert(
        source=told["source"],
        sequence=told["first"],
        published=first.published if isinstance(first, PatternAlert) else 0,
        pattern="Double Top",
        symbol="BRK.B",
        confidence=0.75,
        note="!",
    )
    assert ear.sequences == list(range(told["first"], told["last"] + 1))


@pytest.mark.requirement("TICKS-RECOVERY-1", "TICKS-SUB-4")
async def test_connection_error_and_recovery(network: Proxy, channels: str, frail_speaker: Redis) -> None:
    channel = f"{channels}:patterns"
    async with Ear(f"redis://127.0.0.1:{network.port}", channels) as ear:
        await frail_speaker.publish(channel, event(1))
        await ear.until_heard(1)

        await network.cut()
        await ear.until_status("degraded")
        await frail_speaker.publish(channel, event(2))  # nobody is there
        await until(lambda: failures(ear), lambda seen: seen >= 3)  # it goes on trying
        await network.mend()
        await ear.until_status("healthy")

        await frail_speaker.publish(channel, event(3))
        await ear.until_heard(2)
        assert ear.sequences == [1, 3]
        assert ear.subscriber.missed == 1  # and what is lost is known
        assert ear.statuses == ["healthy", "degraded", "healthy"]
        assert ear.subscriber.statistics["connections"] == 2
        assert await subscribers(frail_speaker, channels) == [1, 1, 1]


async def failures(ear: Ear) -> int:
    return ear.subscriber.statistics["failures"]


@pytest.mark.requirement("TICKS-SUB-7", "TICKS-LATENCY-2")
@pytest.mark.budget("subscriber.message", "count == 1000", "errors == 0", "p99 < 100ms")
async def test_concurrent_message_processing(ear: Ear, redis_url: str, channels: str) -> None:
    async def publish(source: str) -> None:
        async with Redis.from_url(redis_url) as redis:
            for sequence in range(1, 251):
                await redis.publish(f"{channels}:patterns", event(sequence, source))

    sources = [f"source-{number}" for number in range(4)]
    await asyncio.gather(*map(publish, sources))
    heard = await ear.until_heard(1_000)

    for source in sources:
        own = [e.sequence for e in heard if isinstance(e, PatternAlert) and e.source == source]
        assert own == list(range(1, 251))
    assert ear.subscriber.statistics["accepted.PatternAlert"] == 1_000
    assert ear.subscriber.missed == 0


COMMON: dict[str, Any] = {"source": "test", "sequence": 1, "published": 5}
TYPES: dict[str, tuple[str, dict[str, Any], Event]] = {
    "pattern": (
        "patterns",
        {"pattern": "Doji", "symbol": "AAA", "confidence": 1},
        PatternAlert(**COMMON, pattern="Doji", symbol="AAA", confidence=1.0),
    ),
    "progress": (
        "backtests",
        {"job": "j-1", "percent": 12.5},
        BacktestProgress(**COMMON, job="j-1", percent=12.5),
    ),
    "result": (
        "backtests",
        {"job": "j-1", "trades": 3, "profit": -1.5},
        BacktestResult(**COMMON, job="j-1", trades=3, profit=-1.5),
    ),
    "health": (
        "health",
        {"service": "scanner", "status": "down", "text": "no power"},
        ServiceHealth(**COMMON, service="scanner", status="down", text="no power"),
    ),
}


@pytest.mark.requirement("TICKS-SUB-2", "TICKS-EVENTS-1")
@pytest.mark.parametrize("kind", TYPES)
async def test_each_type_of_event_is_made(ear: Ear, speaker: Redis, channels: str, kind: str) -> None:
    channel, fields, expected = TYPES[kind]
    await speaker.publish(f"{channels}:{channel}", event(type=kind, published=5, **fields))
    assert await ear.until_heard(1) == [expected]


@pytest.mark.requirement("TICKS-SUB-3")
async def test_messages_are_validated(ear: Ear, speaker: Redis, channels: str) -> None:
    for content in (b"{", b"[]", event(type="rumour"), event(1, confidence=2), event(2)):
        await speaker.publish(f"{channels}:patterns", content)
    await speaker.publish(f"{channels}:health", event(3))
    await speaker.publish(f"{channels}:patterns", event(4))

    await ear.until_heard(2)
    assert ear.sequences == [2, 4]
    statistics = ear.subscriber.statistics.snapshot()
    assert {name: n for name, n in statistics.items() if name.startswith("rejected")} == {
        "rejected.malformed": 1,
        "rejected.invalid": 2,
        "rejected.unknown_type": 1,
        "rejected.misrouted": 1,
    }


@pytest.mark.requirement("TICKS-SUB-5")
async def test_statistics_tell_what_came(ear: Ear, speaker: Redis, channels: str) -> None:
    contents = [event(1), event(2), event(2), event(5), b"?", event(4)]
    for content in contents:
        await speaker.publish(f"{channels}:patterns", content)
    await speaker.publish(f"{channels}:health", event(6, type="health", service="x", status="healthy"))
    await ear.until_heard(5)

    assert ear.subscriber.statistics.snapshot() == {
        "connections": 1,
        "received": 7,
        "accepted.PatternAlert": 4,
        "accepted.ServiceHealth": 1,
        "doubled": 1,
        "late": 1,
        "rejected.malformed": 1,
    }
    assert ear.subscriber.missed == 1  # 3


@pytest.mark.requirement("TICKS-SUB-6", "TICKS-RECOVERY-1")
@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_health_follows_redis(frail_redis: RedisProcess, channels: str, how: str) -> None:
    async with Ear(frail_redis.url, channels) as ear:
        for _ in range(2):
            if how == "killed":
                frail_redis.kill()
            else:
                assert await asyncio.to_thread(frail_redis.stop) == 0
            await ear.until_status("degraded")
            assert ear.told[-1].text.startswith("Redis: ")
            frail_redis.start()
            await ear.until_status("healthy")
            assert ear.told[-1] == PartHealth(part="subscriber", status="healthy")
    assert ear.statuses == ["healthy", "degraded", "healthy", "degraded", "healthy", "down"]


@pytest.mark.requirement("TICKS-RECOVERY-3")
async def test_frozen_redis_is_noticed(
    frail_redis: RedisProcess, frail_speaker: Redis, channels: str
) -> None:
    async with Ear(frail_redis.url, channels, **SOON) as ear:
        with frail_redis.frozen():
            await ear.until_status("degraded")
            assert ear.told[-1].text == "Redis: silent for 0.4 s"
        await ear.until_status("healthy")
        await frail_speaker.publish(f"{channels}:patterns", event())
        await ear.until_heard(1)


@pytest.mark.requirement("TICKS-RECOVERY-3")
async def test_silent_network_is_noticed(network: Proxy, channels: str, frail_speaker: Redis) -> None:
    async with Ear(f"redis://127.0.0.1:{network.port}", channels, **SOON) as ear:
        network.hold()
        await ear.until_status("degraded")
        await until(lambda: failures(ear), lambda seen: seen >= 2)  # new connections are as silent
        network.release()
        await ear.until_status("healthy")
        await frail_speaker.publish(f"{channels}:patterns", event())
        await ear.until_heard(1)


@pytest.mark.requirement("TICKS-SUB-6")
async def test_quiet_market_is_no_fault(ear: Ear, redis_url: str, channels: str, speaker: Redis) -> None:
    async with Ear(redis_url, channels, heartbeat=0.05, timeout=5.0) as quiet:
        for _ in range(3):  # each answer to a ping takes the place of an event
            seen = await pings(speaker)
            await until(lambda: pings(speaker), lambda now, seen=seen: now > seen)  # type: ignore[misc]
        assert quiet.statuses == ["healthy"]
    assert ear.statuses == ["healthy"]


async def pings(redis: Redis) -> int:
    statistics = await redis.info("commandstats")
    count: int = statistics.get("cmdstat_ping", {}).get("calls", 0)
    return count


@pytest.mark.requirement("TICKS-RECOVERY-2")
async def test_pauses_between_attempts_grow_up_to_a_ceiling(channels: str) -> None:
    sleep = RecordedSleep()
    backoff = Backoff(base=0.1, ceiling=0.5, jitter=0.5)
    settings = RedisSettings(url="unix:///nowhere/socket", prefix=channels, backoff=backoff)
    told: list[Event] = []
    subscriber = RedisEventSubscriber(settings, told.append, sleep=sleep, chance=lambda: 0.5)
    await subscriber.start()
    await until(lambda: asyncio.sleep(0, len(sleep.pauses)), lambda seen: seen >= 5)
    await subscriber.stop()

    assert sleep.pauses[:5] == pytest.approx([0.075, 0.15, 0.3, 0.375, 0.375])
    assert [part.status for part in told if isinstance(part, PartHealth)] == ["degraded", "down"]
    assert subscriber.pause(1_000_000) == pytest.approx(0.375)


@pytest.mark.requirement("TICKS-RECOVERY-2")
async def test_pauses_begin_anew_after_success(frail_redis: RedisProcess, channels: str) -> None:
    sleep = RecordedSleep()
    settings = RedisSettings(url=frail_redis.url, prefix=channels, backoff=Backoff(base=0.01, jitter=0.0))
    subscriber = RedisEventSubscriber(settings, lambda _: None, sleep=sleep)
    await subscriber.start()
    try:
        for _ in range(2):
            sleep.pauses.clear()
            frail_redis.kill()
            await until(lambda: asyncio.sleep(0, len(sleep.pauses)), lambda seen: seen >= 2)
            assert sleep.pauses[:2] == pytest.approx([0.01, 0.02])
            frail_redis.start()
            await until(lambda: asyncio.sleep(0, subscriber.status), lambda seen: seen == "healthy")
    finally:
        await subscriber.stop()


@pytest.mark.requirement("TICKS-SUB-8")
async def test_stop_does_not_wait_for_a_pause(channels: str) -> None:
    before = asyncio.all_tasks()
    backoff = Backoff(base=3_600, ceiling=3_600)
    async with asyncio.timeout(HANG):
        async with Ear("unix:///nowhere/socket", channels, backoff=backoff) as ear:
            assert ear.statuses == ["degraded"]
        await ear.subscriber.stop()  # twice is no mistake
    assert ear.statuses == ["degraded", "down"]
    assert asyncio.all_tasks() == before


@pytest.mark.requirement("TICKS-SUB-8", "TICKS-APP-6")
async def test_started_again_it_goes_on(ear: Ear, speaker: Redis, channels: str) -> None:
    channel = f"{channels}:patterns"
    await speaker.publish(channel, event(1))
    await ear.until_heard(1)
    await ear.subscriber.stop()
    await until(lambda: subscribers(speaker, channels), lambda seen: seen == [0, 0, 0])
    await speaker.publish(channel, event(2))
    await ear.subscriber.start()
    for sequence in (1, 3):
        await speaker.publish(channel, event(sequence))
    await ear.until_heard(2)
    assert ear.sequences == [1, 3]
    assert (ear.subscriber.statistics["doubled"], ear.subscriber.missed) == (1, 1)


@pytest.mark.requirement("TICKS-EVENTS-2")
async def test_doubled_events_go_once_and_late_ones_go_late(ear: Ear, speaker: Redis, channels: str) -> None:
    for sequence in (5, 7, 7, 6, 6, 5, 4, 8):
        await speaker.publish(f"{channels}:patterns", event(sequence))
    await speaker.publish(f"{channels}:patterns", event(5, source="another"))
    await ear.until_heard(6)
    assert ear.sequences == [5, 7, 6, 4, 8, 5]
    assert (ear.subscriber.statistics["doubled"], ear.subscriber.statistics["late"]) == (3, 2)
    assert ear.subscriber.missed == 0


@pytest.mark.requirement("TICKS-ISOLATION-1", "TICKS-EVENTS-3")
@pytest.mark.budget("bus.handle", "count >= 30", "errors == 10", "peak >= 2")
async def test_handlers_do_not_disturb_each_other(ear: Ear, speaker: Redis, channels: str) -> None:
    good: list[Event] = []
    release = asyncio.Event()

    async def fails(_: Event) -> None:
        raise RuntimeError("the handler's own fault")

    async def hangs(_: Event) -> None:
        await release.wait()

    async def works(event: Event) -> None:
        good.append(event)

    bus = EventBus(limit=100)
    for handler in (fails, hangs, works):
        bus.on(handler.__name__, handler, PatternAlert)
    bus.on("others", works, ServiceHealth)
    await bus.start()
    try:
        for sequence in range(1, 11):
            await speaker.publish(f"{channels}:patterns", event(sequence))
        for heard in await ear.until_heard(10):
            bus.publish(heard)
        await until(lambda: asyncio.sleep(0, len(good)), lambda seen: seen == 10)
        assert bus.waiting() == {"fails": 0, "hangs": 9, "works": 0, "others": 0}
    finally:
        release.set()
        await bus.stop(HANG)
    assert good == ear.heard
    assert bus.statistics.snapshot() == {"failed.fails": 10, "handled.hangs": 10, "handled.works": 10}


@pytest.mark.requirement("TICKS-SUB-1")
async def test_address_of_no_known_kind_is_told(channels: str) -> None:
    with pytest.raises(StartError, match="no Redis at 'tcp://x'"):
        Ear("tcp://x", channels)
