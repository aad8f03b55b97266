"""The real parts, each in a process of its own: the service, its Redis, the publisher."""

from __future__ import annotations

import os
import resource
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from ticks_ear import Ear
from ticks_processes import App, Publisher, RedisProcess
from ticks_proxy import Proxy
from ticks_support import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    Launch: TypeAlias = Callable[..., AbstractAsyncContextManager[Feed]]

Settings: TypeAlias = "dict[str, Any]"

FILES = 4_096
"""Open files that five hundred clients and all else in this process need at most."""

FRAIL = {"heartbeat": 0.4, "timeout": 1.0, "backoff": {"base": 0.01, "ceiling": 0.05}}
"""For a Redis that is killed and frozen: trouble is soon noticed, and soon over."""

SMALL: Settings = {
    "connected": {"messages": 40, "bytes": 1_000_000},
    "away": {"messages": 5, "bytes": 10_000},
    "away_users": 3,
    "patterns": 5,
    "strikes": 3,
}
"""Limits that are soon reached."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "smoke: a quick look at whether the whole works")


@pytest.fixture(scope="session", autouse=True)
def enough_files() -> Iterator[None]:
    """Allow this process as many open connections as the largest test has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, FILES), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """One Redis for all tests that leave it alone: the user's, or an embedded one."""
    own = os.environ.get("ITDASH_REDIS_URL")
    if own:
        yield own
        return
    with RedisProcess() as process:
        yield process.url


def unique() -> str:
    """A prefix for channels that nobody else has."""
    return f"ticks-{uuid.uuid4().hex}"


@pytest.fixture
def channels() -> str:
    """A prefix for channels of this test alone."""
    return unique()


@pytest.fixture(scope="session")
def publisher(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    """One publisher for all tests that use the shared Redis."""
    with Publisher(redis_url, tmp_path_factory.mktemp("publisher")) as process:
        yield process


@pytest.fixture(scope="session")
def shared_app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One service for all tests that need no other settings."""
    with App({"redis": {"url": redis_url, "prefix": unique()}}, tmp_path_factory.mktemp("app")) as process:
        yield process


@pytest_asyncio.fixture
async def feed(shared_app: App, publisher: Publisher) -> AsyncIterator[Feed]:
    """The shared service."""
    async with Feed(shared_app, publisher) as feed:
        yield feed


@pytest.fixture
def launch(
    redis_url: str, channels: str, publisher: Publisher, tmp_path_factory: pytest.TempPathFactory
) -> Launch:
    """Starts a service of the test's own, on channels of its own, with other settings."""

    @asynccontextmanager
    async def launch(**changes: Any) -> AsyncIterator[Feed]:
        redis = {"url": redis_url, "prefix": channels}
        with App({"redis": redis, **changes}, tmp_path_factory.mktemp("app")) as app:
            async with Feed(app, publisher) as feed:
                yield feed
            app.kill()  # quicker than to ask; that it ends when asked is proved elsewhere

    return launch


@pytest.fixture(scope="session")
def small_app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A service whose limits are soon reached."""
    settings: Settings = {
        "redis": {"url": redis_url, "prefix": unique()},
        "broadcast": SMALL,
        "web": {"message_limit": 2_000},
    }
    with App(settings, tmp_path_factory.mktemp("small")) as process:
        yield process
        process.kill()


@pytest_asyncio.fixture
async def small(small_app: App, publisher: Publisher) -> AsyncIterator[Feed]:
    """The service whose limits are soon reached."""
    async with Feed(small_app, publisher) as feed:
        yield feed


@pytest.fixture(scope="session")
def frail_process() -> Iterator[RedisProcess]:
    """A Redis that tests may kill; always an embedded one."""
    with RedisProcess() as process:
        yield process


@pytest.fixture
def frail_redis(frail_process: RedisProcess) -> RedisProcess:
    """The Redis that may be killed, running."""
    if not frail_process.running:
        frail_process.start()
    return frail_process


@pytest.fixture(scope="session")
def frail_parts(
    frail_process: RedisProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[App, Publisher]]:
    """A service and a publisher that are used to trouble with their Redis."""
    folder = tmp_path_factory.mktemp("frail")
    redis = {"url": frail_process.url, "prefix": unique(), **FRAIL}
    with App({"redis": redis}, folder) as app, Publisher(frail_process.url, folder) as publisher:
        yield app, publisher


@pytest_asyncio.fixture
async def frail(frail_redis: RedisProcess, frail_parts: tuple[App, Publisher]) -> AsyncIterator[Feed]:
    """A service whose Redis may be killed, in good health."""
    assert frail_redis.running
    async with Feed(*frail_parts) as feed:
        await feed.until_status("healthy")
        yield feed


@pytest_asyncio.fixture
async def network(frail_redis: RedisProcess) -> AsyncIterator[Proxy]:
    """The way to the frail Redis, over TCP."""
    async with Proxy(frail_redis.socket) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def ear(redis_url: str, channels: str) -> AsyncIterator[Ear]:
    """A subscriber in this process, on channels of its own."""
    async with Ear(redis_url, channels) as ear:
        yield ear


@pytest_asyncio.fixture
async def speaker(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the shared Redis, to publish whatever one likes."""
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest_asyncio.fixture
async def frail_speaker(frail_redis: RedisProcess) -> AsyncIterator[Redis]:
    """The same for the Redis that may be killed."""
    async with Redis.from_url(frail_redis.url) as redis:
        yield redis
