"""The service as a whole: how its parts begin, depend on each other, are watched, end and begin again."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from marketfeed.application import Application
from marketfeed.errors import StartError
from marketfeed.settings import RedisSettings, Settings, read_settings
from ticks_processes import ROOM, App, DidNotStart, RedisProcess
from ticks_proxy import Proxy
from ticks_support import HANG, Feed, event, until

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Launch
    from redis.asyncio import Redis

ORDER = ["broadcaster", "bus", "subscriber"]


@pytest.mark.asyncio
@pytest.mark.smoke
@pytest.mark.requirement("TICKS-APP-1", "TICKS-APP-3")
async def test_successful_service_initialization_sequence(feed: Feed) -> None:
    report = await feed.health()
    assert (report["status"], report["started"]) == ("healthy", ORDER)
    assert report["parts"] == {"subscriber": {"status": "healthy", "text": ""}}
    said = feed.app.said()
    places = [said.index(f"{part} started") for part in ORDER]
    assert places == sorted(places)
    assert (await feed.statistics("subscriber"))["connections"] == 1
    client = await feed.connect("ada", "Doji")
    await feed.alert()
    await client.until_events(1)


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-2", "TICKS-RECOVERY-4")
async def test_redis_unavailable_during_startup(launch: Launch, channels: str) -> None:
    with RedisProcess() as redis:
        redis.kill()
        settings = {"url": redis.url, "prefix": channels, "backoff": {"base": 0.01, "ceiling": 0.05}}
        async with launch(redis=settings) as feed:
            report = await feed.health()
            assert (report["status"], report["started"]) == ("degraded", ORDER)
            assert report["parts"]["subscriber"]["text"].startswith("Redis: ")
            client = await feed.connect("ada", "Doji")  # clients are served already
            monitor = await feed.connect("monitor")
            await monitor.monitor()

            redis.start()
            await feed.until_status("healthy")
            assert (await monitor.until_kind("part"))["status"] == "healthy"
            await feed.raw(event())
            await client.until_events(1)


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-5", "TICKS-RESOURCES-2")
async def test_graceful_service_shutdown_sequence(launch: Launch) -> None:
    async with launch() as feed:
        clients = [await feed.connect(f"user-{number}", "Doji") for number in range(5)]
        await feed.order("burst", count=500, patterns=["Doji"])
        await clients[0].until_events(1)
        assert await asyncio.to_thread(feed.app.stop) == 0
        for client in clients:
            assert await client.until_closed() == (1012, "the service ends")
            assert [m["n"] for m in client.events] == list(range(1, len(client.events) + 1))
        # What one was sent, all were sent: nothing of what had been received is thrown away.
        assert len({len(client.events) for client in clients}) == 1
        said = feed.app.said()
        places = [said.index(f"{part} stopped") for part in reversed(ORDER)]
        assert places == sorted(places)
        assert "Traceback" not in said


def imports(package: Path) -> dict[str, set[str]]:
    """What each module of a package imports: all of it, also for types and inside of functions."""
    found: dict[str, set[str]] = {}
    for file in package.rglob("*.py"):
        name = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        parts = name.split(".")
        found[name] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = parts[: -node.level] if node.level else []
                found[name].add(".".join([*base, *(node.module or "").split(".")]).strip("."))
    return found


def reach(graph: dict[str, set[str]], module: str) -> set[str]:
    """Everything that a module imports, over however many others."""
    seen: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        new = graph.get(name, set()) - seen
        seen |= new
        waiting |= new
    return seen


@pytest.mark.requirement("TICKS-ARCH-1", "TICKS-ARCH-2", "TICKS-ARCH-3", "TICKS-ARCH-4", "TICKS-ARCH-5")
def test_loose_coupling_validation() -> None:
    graph = imports(ROOM / "marketfeed")
    own = {f"marketfeed.{name}" for name in ("subscriber", "broadcaster", "bus", "health", "web", "hosting")}
    services = {f"marketfeed.{name}" for name in ("subscriber", "broadcaster", "bus", "health")}
    assert own <= set(graph)
    for service in services:
        assert reach(graph, service) & (own - {service}) == set()
    # Only the application knows all of them, and only those who serve know the application.
    assert services <= graph["marketfeed.application"]
    knowing = {name for name, imported in graph.items() if "marketfeed.application" in imported}
    assert knowing == {"marketfeed.hosting", "marketfeed.web"}
    # Redis is one part's affair, WebSockets another's; between both there are events.
    users = {name for name, imported in graph.items() if any(i.split(".")[0] == "redis" for i in imported)}
    assert users == {
        *("marketfeed.subscriber", "marketfeed.publisher.market", "marketfeed.publisher.__main__")
    }
    webs = {n for n, imported in graph.items() if any(i.split(".")[0] == "starlette" for i in imported)}
    assert webs == {"marketfeed.web"}
    for part in ("subscriber", "broadcaster", "health"):
        assert "marketfeed.events" in graph[f"marketfeed.{part}"]
    assert "marketfeed.ports" in graph["marketfeed.broadcaster"]
    assert reach(graph, "marketfeed.events") & set(graph) == {"marketfeed.errors"}


@pytest.mark.requirement("TICKS-ARCH-1")
def test_import_graph_sees_what_it_must(tmp_path: Path) -> None:
    (tmp_path / "shop" / "inner").mkdir(parents=True)
    (tmp_path / "shop" / "a.py").write_text("def f():\n    from .b import x\nimport json.decoder\n")
    (tmp_path / "shop" / "b.py").write_text("if TYPE_CHECKING:\n    from .inner.c import y\n")
    (tmp_path / "shop" / "inner" / "c.py").write_text("from ..a import f\nfrom redis import Redis\n")
    graph = imports(tmp_path / "shop")
    assert graph["shop.a"] == {"shop.b", "json.decoder"}
    assert graph["shop.inner.c"] == {"shop.a", "redis"}
    assert reach(graph, "shop.a") == {"shop.b", "json.decoder", "shop.inner.c", "shop.a", "redis"}


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-ARCH-4", "TICKS-ARCH-6")
async def test_event_can_be_followed_through_the_parts(feed: Feed) -> None:
    before = {part: await feed.statistics(part) for part in ("subscriber", "bus", "broadcaster")}
    doji = feed.name("Doji")
    one, two = await feed.connect("one", doji), await feed.connect("two", doji)
    told = await feed.alert(doji)
    for client in (one, two):
        await client.until_events(1)
        assert (client.events[0]["source"], client.sequences) == (told["source"], [told["last"]])
    names = {"subscriber": "accepted.PatternAlert", "bus": "handled.broadcaster", "broadcaster": "addressed"}
    grown = {
        part: (await feed.statistics(part))[name] - before[part].get(name, 0) for part, name in names.items()
    }
    assert grown == {"subscriber": 1, "bus": 1, "broadcaster": 2}


SETTINGS: dict[str, tuple[object, str]] = {
    "no Redis": ({}, "missing required field `redis`"),
    "no URL": ({"redis": {}}, r"missing required field `url` - at `\$.redis`"),
    "misspelt": ({"redis": {"url": "x", "prefx": "y"}}, r"unknown field `prefx` - at `\$.redis`"),
    "empty prefix": ({"redis": {"url": "x", "prefix": ""}}, r"length >= 1 - at `\$.redis.prefix`"),
    "no room": (
        {"redis": {"url": "x"}, "broadcast": {"away": {"messages": 0, "bytes": 1}}},
        r">= 1 - at `\$.broadcast.away.messages`",
    ),
    "negative pause": ({"redis": {"url": "x", "backoff": {"base": -1}}}, r"`\$.redis.backoff.base`"),
    "jitter beyond all": ({"redis": {"url": "x", "backoff": {"jitter": 2}}}, "<= 1.0"),
    "port": ({"redis": {"url": "x"}, "web": {"port": 70_000}}, r"<= 65535 - at `\$.web.port`"),
    "stale too soon": (
        {"redis": {"url": "x"}, "broadcast": {"stale_after": 1}, "web": {"ping": 1}},
        "stale_after must be longer than web.ping",
    ),
    "a list": ([], "Expected `object`, got `array`"),
}


@pytest.mark.requirement("TICKS-APP-4")
@pytest.mark.parametrize(("content", "message"), SETTINGS.values(), ids=SETTINGS.keys())
def test_wrong_settings_are_told_with_their_place(tmp_path: Path, content: object, message: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(content))
    with pytest.raises(StartError, match=message) as caught:
        read_settings(file)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.requirement("TICKS-APP-4")
def test_service_does_not_start_with_wrong_settings(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot be read: .*No such file"):
        read_settings(tmp_path / "none")
    with pytest.raises(DidNotStart) as caught:
        App({"redis": {"url": "tcp://nowhere"}}, tmp_path).start()
    assert str(caught.value).startswith("exit code 2: marketfeed: no Redis at 'tcp://nowhere'")
    assert "Traceback" not in str(caught.value)


def settings(url: str, prefix: str) -> Settings:
    return Settings(redis=RedisSettings(url=url, prefix=prefix))


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-7")
@pytest.mark.parametrize("failing", ORDER)
async def test_part_that_cannot_start_takes_the_others_back(
    redis_url: str, channels: str, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asyncio.all_tasks()
    application = Application(settings(redis_url, channels))

    async def fail() -> None:
        raise StartError("not today")

    monkeypatch.setattr(getattr(application, failing), "start", fail)
    with pytest.raises(StartError, match="not today"):
        await application.start()
    assert application.started == []
    assert (application.subscriber.running, application.broadcaster.running) == (False, False)
    assert asyncio.all_tasks() == before


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-6", "TICKS-RESOURCES-1", "TICKS-RESOURCES-2")
async def test_started_and_stopped_again_and_again(redis_url: str, channels: str, speaker: Redis) -> None:
    application = Application(settings(redis_url, channels))
    tasks, files = asyncio.all_tasks(), len(os.listdir("/proc/self/fd"))
    for number in range(1, 4):
        await application.start()
        assert application.started == ORDER
        await speaker.publish(f"{channels}:patterns", event(number))
        await until(
            lambda: asyncio.sleep(0, application.bus.statistics["handled.broadcaster"]),
            lambda seen, number=number: seen >= 2 * number,  # type: ignore[misc]
        )
        await application.stop()
        await application.stop()
        assert application.report().parts["subscriber"].status == "down"
        assert asyncio.all_tasks() == tasks
    assert len(os.listdir("/proc/self/fd")) <= files + 1  # the speaker's connection


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-3", "TICKS-FLOW-9")
async def test_health_is_put_together_from_all(feed: Feed) -> None:
    async def tell(service: str, status: str) -> dict[str, Any]:
        name = feed.name(service)
        await feed.send({"type": "health", "service": name, "status": status, "text": "for a test"})
        return await until(feed.health, lambda seen: seen["services"].get(name, {}).get("status") == status)

    assert (await tell("one", "healthy"))["market"] == "healthy"
    assert (await tell("two", "degraded"))["market"] == "degraded"
    assert (await tell("three", "down"))["market"] == "down"
    report = await tell("three", "degraded")
    assert report["market"] == "degraded"
    assert report["services"][feed.name("three")] == {"status": "degraded", "text": "for a test"}
    await tell("three", "healthy")
    assert (await tell("two", "healthy"))["market"] == "healthy"


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-6")
async def test_service_is_restarted_and_clients_come_back(launch: Launch) -> None:
    async with launch() as feed:
        client = await feed.connect("ada", "Doji")
        await feed.alert()
        await client.until_events(1)
        for code in (1012, 1006):
            if code == 1012:
                assert await asyncio.to_thread(feed.app.stop) == 0
            else:
                feed.app.kill()
            assert (await client.until_closed())[0] == code

            url = feed.app.url
            feed.app.start()
            assert feed.app.url == url
            client = await feed.connect("ada", "Doji", resume=client)
            missed = await client.until_kind("missed")
            assert missed["count"] is None  # mailboxes live in memory, and it says so
            await feed.alert()
            await client.until_events(1)


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-APP-5")
async def test_shutdown_does_not_wait_for_a_client_that_reads_nothing(launch: Launch) -> None:
    async with launch(grace=0.3) as feed, Proxy(feed.app.port) as way:
        stuck = await feed.connect("stuck", "Doji", port=way.port)
        reads = await feed.connect("reads", "Doji")
        way.hold()
        await feed.alerts(200, note="x" * 20_000)
        await reads.until_events(200)
        assert await asyncio.to_thread(feed.app.stop) == 0
        assert await reads.until_closed() == (1012, "the service ends")
        way.release()
        assert (await stuck.until_closed())[0] == 1006


PARENT = """
import json, sys
from pathlib import Path
from ticks_processes import App, Publisher, RedisProcess

folder = Path(sys.argv[1])
redis = RedisProcess()
redis.start()
app = App({"redis": {"url": redis.url}}, folder)
app.start()
publisher = Publisher(redis.url, folder)
publisher.start()
print(json.dumps([redis.pid, app.pid, publisher.pid]), flush=True)
sys.stdin.read()
"""


@pytest.mark.asyncio
@pytest.mark.requirement("TICKS-RESOURCES-3")
async def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOM,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # what a killed parent leaves goes with this folder
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    async with asyncio.timeout(HANG):
        pids = json.loads(await parent.stdout.readline())
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        parent.kill()
        await parent.wait()
        async with asyncio.timeout(HANG):
            await asyncio.gather(*map(_ended, handles))
    finally:
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        parent.stdin.close()


async def _ended(handle: int) -> None:
    """Wait until the process behind this handle is gone, whoever reaps it."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
