"""Parts by themselves, where a test can foresee what in the whole is left to time and chance."""

from __future__ import annotations

import asyncio
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketfeed.broadcaster import WebSocketBroadcaster
from marketfeed.bus import EventBus
from marketfeed.commands import Resume
from marketfeed.errors import LinkLost
from marketfeed.events import PartHealth, PatternAlert, ServiceHealth, encode
from marketfeed.health import SERVICES, HealthMonitor
from marketfeed.mailbox import Mailbox
from marketfeed.sequences import SOURCES, WINDOW, Sequences
from marketfeed.settings import BroadcastSettings, Room
from marketfeed.subscriptions import EVERY, Filter, Subscriptions
from ticks_support import HANG

if TYPE_CHECKING:
    from collections.abc import Awaitable

NAMED = {
    "test_redis_event_subscriber.py": {
        "test_subscriber_initialization_and_startup",
        "test_pattern_event_processing",
        "test_connection_error_and_recovery",
        "test_concurrent_message_processing",
    },
    "test_websocket_broadcaster.py": {
        "test_user_connection_flow",
        "test_pattern_alert_broadcasting",
        "test_offline_message_queueing",
        "test_stale_connection_cleanup",
    },
    "test_end_to_end_integration.py": {
        "test_complete_pattern_alert_flow",
        "test_complete_backtesting_workflow",
        "test_mixed_event_types_concurrent_processing",
        "test_high_throughput_event_processing",
    },
    "test_performance_and_resilience.py": {
        "test_single_event_delivery_latency",
        "test_burst_event_handling_performance",
        "test_concurrent_user_performance",
        "test_redis_connection_failure_recovery",
    },
    "test_application_integration.py": {
        "test_successful_service_initialization_sequence",
        "test_redis_unavailable_during_startup",
        "test_graceful_service_shutdown_sequence",
        "test_loose_coupling_validation",
    },
}


@pytest.mark.requirement("TICKS-SUITE-1")
@pytest.mark.parametrize("file", NAMED)
def test_the_scenarios_are_all_there(file: str) -> None:
    text = (Path(__file__).parent / file).read_text()
    assert [name for name in NAMED[file] if f"def {name}(" not in text] == []


GROUPS = {
    "redis_subscriber": "path:test_redis_event_subscriber.py",
    "websocket_broadcaster": "path:test_websocket_broadcaster.py",
    "end_to_end": "path:test_end_to_end_integration.py",
    "performance": "path:test_performance_and_resilience.py",
    "application": "path:test_application_integration.py",
    "smoke": "mark:smoke",
}


@pytest.mark.requirement("TICKS-SUITE-2")
def test_categories_are_groups_and_each_has_a_smoke_test(request: pytest.FixtureRequest) -> None:
    file = request.config.inipath
    assert file is not None
    suites = tomllib.loads(file.read_text())["tool"]["itdash"]["suites"]
    assert suites["ticks"]["groups"] == GROUPS
    for name in NAMED:
        assert "@pytest.mark.smoke" in (Path(__file__).parent / name).read_text()


def alert(pattern: str = "Doji", symbol: str = "AAA", confidence: float = 0.5) -> PatternAlert:
    return PatternAlert(
        source="test", sequence=1, published=0, pattern=pattern, symbol=symbol, confidence=confidence
    )


messages = st.lists(st.integers(2, 30).map(lambda size: b"{" + b"x" * (size - 2) + b"}"), max_size=60)


@pytest.mark.requirement("TICKS-QUEUE-2", "TICKS-MEMORY-1")
@given(messages, st.integers(1, 20), st.integers(30, 300))
def test_mailbox_has_the_newest_by_their_numbers(contents: list[bytes], most: int, size: int) -> None:
    mailbox, room = Mailbox(), Room(messages=most, bytes=size)
    for content in contents:
        mailbox.put(content, room)
        assert len(mailbox) <= most
        assert mailbox.size <= size
    kept = contents[len(contents) - len(mailbox) :]
    assert mailbox.next == len(contents) + 1
    assert mailbox.size == sum(map(len, kept))
    first = mailbox.first
    expected = [b'{"n":%d,%b' % (first + place, content[1:]) for place, content in enumerate(kept)]
    assert mailbox.read(first, 100_000) == expected
    assert mailbox.read(first, 1) == expected[:1]
    assert mailbox.read(mailbox.next, 100_000) == []
    # It holds as many as it can: one more would have had no room.
    if len(kept) < len(contents):
        larger = contents[len(contents) - len(kept) - 1 :]
        assert len(larger) > most or sum(map(len, larger)) > size


@pytest.mark.requirement("TICKS-MEMORY-1")
def test_mailbox_lets_go_of_what_was_sent_only() -> None:
    mailbox, keep = Mailbox(), Room(messages=2, bytes=1_000)
    for number in range(10):
        mailbox.put(b'{"x":%d}' % number, Room(messages=100, bytes=1_000))
    mailbox.release(5, keep)
    assert (mailbox.first, len(mailbox)) == (5, 6)
    mailbox.release(11, keep)
    assert (mailbox.first, len(mailbox)) == (9, 2)


@pytest.mark.requirement("TICKS-EVENTS-2")
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 40)), max_size=120))
def test_each_number_is_new_or_late_once(events: list[tuple[str, int]]) -> None:
    sequences = Sequences()
    seen: dict[str, list[int]] = {"a": [], "b": []}
    for source, number in events:
        verdict = sequences.judge(source, number)
        if number in seen[source]:
            assert verdict == "doubled"
        elif seen[source] and number < max(seen[source]):
            assert verdict == "late"
        else:
            assert verdict == "new"
        seen[source].append(number)
    gaps = (set(range(numbers[0], max(numbers))) - set(numbers) for numbers in seen.values() if numbers)
    assert sequences.missed == sum(map(len, gaps))


@pytest.mark.requirement("TICKS-EVENTS-2", "TICKS-MEMORY-2")
def test_sequences_remember_so_much_and_no_more() -> None:
    sequences = Sequences()
    for number in range(1, 3 * WINDOW):
        assert sequences.judge("a", number) == "new"
    assert sequences.judge("a", 1) == "doubled"
    assert len(sequences._sources["a"]._seen) == WINDOW
    for number in range(SOURCES):
        sequences.judge(f"source {number}", 1)
    assert sequences.judge("source 1", 1) == "doubled"
    assert sequences.judge("a", 1) == "new"  # the one not heard of for longest was forgotten


@pytest.mark.requirement("TICKS-CAST-3")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ada", "bob"]),
            st.sampled_from(["Doji", "Hammer", EVERY]),
            st.sampled_from([None, Filter(), Filter(frozenset({"AAA"})), Filter(confidence=0.6)]),
        ),
        max_size=30,
    )
)
def test_subscriptions_agree_both_ways_round(changes: list[tuple[str, str, Filter | None]]) -> None:
    subscriptions = Subscriptions()
    model: dict[tuple[str, str], Filter] = {}
    for user, pattern, wanted in changes:
        if wanted is None:
            subscriptions.remove(user, pattern)
            model.pop((user, pattern), None)
        else:
            subscriptions.add(user, pattern, wanted)
            model[user, pattern] = wanted
    for what in (alert(), alert("Hammer", "BBB", 0.9), alert("Other")):
        assert subscriptions.matching(what) == {
            user
            for (user, pattern), wish in model.items()
            if pattern in (what.pattern, EVERY) and wish.passes(what)
        }
    assert len(subscriptions) == len(model)
    subscriptions.forget("ada")
    assert subscriptions.of("ada") == {}
    assert len(subscriptions) == sum(user != "ada" for user, _ in model)


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-ISOLATION-1", "TICKS-MEMORY-2")
async def test_handler_that_hangs_loses_only_its_own_events() -> None:
    gate, handled = asyncio.Event(), []

    async def hangs(_: object) -> None:
        await gate.wait()

    async def works(event: PatternAlert) -> None:
        handled.append(event)

    bus = EventBus(limit=3)
    bus.on("hangs", hangs, PatternAlert)
    bus.on("works", works, PatternAlert)
    await bus.start()
    for number in range(10):
        bus.publish(alert())
        while len(handled) <= number:
            await asyncio.sleep(0)
    assert bus.waiting() == {"hangs": 3, "works": 0}
    async with asyncio.timeout(HANG):
        await bus.stop(0.01)  # nor does it hold up the end
    assert bus.statistics.snapshot() == {"handled.works": 10, "overflowed.hangs": 6}


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-FLOW-9", "TICKS-MEMORY-2")
async def test_health_monitor_remembers_so_many_services() -> None:
    monitor = HealthMonitor()
    for number in range(SERVICES + 10):
        await monitor.handle(
            ServiceHealth(
                source="test", sequence=number + 1, published=0, service=f"s{number}", status="degraded"
            )
        )
    await monitor.handle(PartHealth(part="subscriber", status="down", text="stopped"))
    report = monitor.report()
    assert set(report.services) == {f"s{number}" for number in range(10, SERVICES + 10)}
    assert (report.status, report.market) == ("degraded", "degraded")


class FakeLink:
    """A client that says nothing and reads what it is sent until it is cut."""

    def __init__(self) -> None:
        self.heard = 0.0
        self.lines: list[str] = []
        self.cut = asyncio.Event()

    async def receive(self) -> str:
        await self.cut.wait()
        raise LinkLost("cut")

    async def send(self, text: str) -> None:
        self.lines.extend(text.split("\n"))

    async def close(self, code: int, reason: str) -> None:
        """Nobody is there to read it."""
        self.lines.append(json.dumps({"type": "closed", "code": code, "reason": reason}))
        self.abort()

    def abort(self) -> None:
        self.cut.set()


async def within(wait: Awaitable[object]) -> None:
    async with asyncio.timeout(HANG):
        await wait


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-CAST-5", "TICKS-MEMORY-1")
async def test_sweeps_go_by_the_clock() -> None:
    broadcaster = WebSocketBroadcaster(BroadcastSettings(stale_after=30.0, sweep=1e6, away_seconds=100.0))
    await broadcaster.start()
    links = FakeLink(), FakeLink()
    served = [
        asyncio.create_task(broadcaster.serve(Resume(user=user), link))
        for user, link in zip("ab", links, strict=True)
    ]
    await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    links[0].heard, links[1].heard = now, now + 1
    broadcaster.sweep(now + 30)
    assert not links[0].cut.is_set()
    broadcaster.sweep(now + 30.5)
    assert links[0].cut.is_set()
    assert not links[1].cut.is_set()
    await within(served[0])
    links[1].heard = now + 199
    broadcaster.sweep(now + 99)
    assert (broadcaster.levels()["users"], broadcaster.levels()["away"]) == (2, 1)
    broadcaster.sweep(now + 200)
    assert (broadcaster.levels()["users"], broadcaster.levels()["away"]) == (1, 0)
    broadcaster.sweep(now + 300)
    await within(served[1])
    await broadcaster.stop(0.0)
    assert broadcaster.statistics["stale"] == 2


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-5")
async def test_nobody_is_served_by_a_broadcaster_that_does_not_run() -> None:
    broadcaster, link = WebSocketBroadcaster(BroadcastSettings()), FakeLink()
    await within(broadcaster.serve(Resume(user="ada"), link))
    assert [json.loads(line)["code"] for line in link.lines] == [1012]
    assert broadcaster.levels()["users"] == 0


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-THROUGHPUT-2")
async def test_what_comes_together_goes_in_one_frame() -> None:
    broadcaster = WebSocketBroadcaster(BroadcastSettings(gather=0.0))
    await broadcaster.start()
    frames: list[str] = []

    class Framed(FakeLink):
        async def send(self, text: str) -> None:
            frames.append(text)
            await super().send(text)

    link = Framed()
    served = asyncio.create_task(broadcaster.serve(Resume(user="ada"), link))
    await asyncio.sleep(0)
    link.heard = asyncio.get_running_loop().time()
    broadcaster._subscriptions.add("ada", EVERY, Filter())
    for _ in range(1_200):
        await broadcaster.handle(alert())
    async with asyncio.timeout(HANG):
        while len(link.lines) < 1_201:
            await asyncio.sleep(0)
    assert max(map(len, frames)) < 75_000
    assert len(frames) <= 3 + 1_200 * len(encode(alert())) // 65_000  # each as full as it may be
    assert broadcaster.levels()["messages"] == BroadcastSettings().away.messages  # to be asked for again
    await broadcaster.stop(1.0)
    await within(served)
