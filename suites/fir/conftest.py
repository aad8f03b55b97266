"""The real parts, each in a process of its own: the service, its cache, its database, the model server."""

from __future__ import annotations

import os
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import pytest_asyncio
from fir_database import PostgresSchema, SqliteFile, make_tables, postgres_schema
from fir_processes import ApiServer, CacheProcess, ModelProcess
from fir_support import Desk, Model
from redis import Redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    Launch: TypeAlias = Callable[..., AbstractAsyncContextManager[Desk]]

Settings: TypeAlias = "dict[str, dict[str, Any]]"

SETTINGS: Settings = {
    "cache": {"ttl": 60, "timeout": 0.3, "breaker": {"threshold": 2, "reset_after": 0.1}},
    "database": {"retry": {"attempts": 5, "base": 0.02}},
    "model": {
        "timeout": 10,
        "retry": {"attempts": 3, "base": 0.02},
        "breaker": {"threshold": 5, "reset_after": 0.15},
    },
    "tasks": {"workers": 4},
}
"""Short pauses, and a model that may be held for long."""

IMPATIENT: Settings = {
    "database": {"retry": {"attempts": 2, "base": 0.01}},
    "model": {
        "timeout": 0.15,
        "retry": {"attempts": 2, "base": 0.01},
        "breaker": {"threshold": 4, "reset_after": 0.25},
    },
}
"""For a service that is not waited for long when its database is locked or its model hangs."""


def _merged(settings: Settings, changes: Settings) -> Settings:
    return {part: values | changes.get(part, {}) for part, values in settings.items()}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "integration: needs the service with all its parts running")


@pytest.fixture(scope="session")
def own_cache_url() -> str | None:
    """The cache that the user wants to be used instead of an embedded one."""
    return os.environ.get("ITDASH_REDIS_URL") or None


@pytest.fixture(scope="session")
def shared_cache(own_cache_url: str | None) -> Iterator[CacheProcess | None]:
    """One cache for all tests; None where it is the user's."""
    if own_cache_url is not None:
        yield None
        return
    with CacheProcess() as process:
        yield process


@pytest.fixture(scope="session")
def cache_settings(own_cache_url: str | None, shared_cache: CacheProcess | None) -> Iterator[dict[str, Any]]:
    """Where the cache is, and names of keys that nobody else has."""
    prefix = f"fir-{uuid.uuid4().hex}"
    if shared_cache is not None:
        yield {"url": shared_cache.url, "prefix": prefix}
        return
    assert own_cache_url is not None
    yield {"url": own_cache_url, "prefix": prefix}
    with Redis.from_url(own_cache_url) as redis:
        for key in redis.scan_iter(f"{prefix}:*"):
            redis.delete(key)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteFile | PostgresSchema]:
    """One database for all tests, which use different cases in it; with its tables."""
    dsn = os.environ.get("ITDASH_POSTGRES_DSN")
    if dsn:
        with postgres_schema(dsn) as schema:
            make_tables(schema)
            yield schema
    else:
        file = SqliteFile(tmp_path_factory.mktemp("database") / "reports.db")
        make_tables(file)
        yield file


@pytest.fixture(scope="session")
def shared_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelProcess]:
    """One model server for all tests."""
    with ModelProcess(tmp_path_factory.mktemp("model")) as process:
        yield process


@pytest_asyncio.fixture
async def model(shared_model: ModelProcess) -> AsyncIterator[Model]:
    """Command over the model server, which forgets what the test before has told it."""
    if not shared_model.running:
        shared_model.start()
    async with Model(shared_model) as model:
        await model.reset()
        yield model


@pytest.fixture(scope="session")
def settings(
    cache_settings: dict[str, Any], database: SqliteFile | PostgresSchema, shared_model: ModelProcess
) -> Settings:
    """The settings of the shared service."""
    parts: Settings = {
        "cache": cache_settings,
        "database": database.settings,
        "model": {"url": shared_model.url},
        "tasks": {},
    }
    return _merged(SETTINGS, parts)


@pytest.fixture(scope="session")
def services(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiServer, ApiServer]]:
    """A patient service and an impatient one, started side by side because each takes its while."""
    patient = ApiServer(settings, tmp_path_factory.mktemp("api"))
    impatient = ApiServer(_merged(settings, IMPATIENT), tmp_path_factory.mktemp("impatient"))
    try:
        for service in (patient, impatient):
            service.begin()
        for service in (patient, impatient):
            service.until_ready()
        yield patient, impatient
    finally:
        patient.stop()
        impatient.kill()  # quicker than to ask; the other shows that it ends when asked


@pytest.fixture(scope="session")
def shared_api(services: tuple[ApiServer, ApiServer]) -> ApiServer:
    """One service for all tests that need no other settings."""
    return services[0]


@pytest_asyncio.fixture
async def impatient_desk(services: tuple[ApiServer, ApiServer], model: Model) -> AsyncIterator[Desk]:
    """The service that soon gives up on what is behind it."""
    async with Desk(services[1], model) as desk:
        await desk.until_breaker("model", "closed")
        yield desk


@pytest_asyncio.fixture
async def desk(shared_api: ApiServer, shared_cache: CacheProcess | None, model: Model) -> AsyncIterator[Desk]:
    """The shared service, started anew if the test before left it in trouble."""
    if shared_cache is not None and not shared_cache.running:
        shared_cache.start()
    async with Desk(shared_api, model, shared_cache) as desk:
        troubled = [part for part in ("cache", "model") if await desk.breaker(part) != "closed"]
        if not troubled:
            yield desk
            return
    shared_api.stop()
    shared_api.start()
    async with Desk(shared_api, model, shared_cache) as desk:
        yield desk


@pytest.fixture
def launch(settings: Settings, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Starts a service of the test's own, with other settings for its parts."""

    @asynccontextmanager
    async def launch(
        *, cache_process: CacheProcess | None = None, **changes: dict[str, Any]
    ) -> AsyncIterator[Desk]:
        with ApiServer(_merged(settings, changes), tmp_path_factory.mktemp("api")) as api:
            async with Desk(api, model, cache_process) as desk:
                yield desk

    return launch


@pytest.fixture(scope="session")
def small_api(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A service whose limits are soon reached."""
    limits: Settings = {"cache": {"ttl": 0.1}, "tasks": {"workers": 1, "capacity": 2, "kept": 2}}
    with ApiServer(_merged(settings, limits), tmp_path_factory.mktemp("small")) as process:
        yield process
        process.kill()  # quicker than to ask; that it ends when asked is proved elsewhere


@pytest_asyncio.fixture
async def small_desk(small_api: ApiServer, model: Model) -> AsyncIterator[Desk]:
    """The service whose limits are soon reached."""
    async with Desk(small_api, model) as desk:
        yield desk


@pytest_asyncio.fixture
async def frail_desk(desk: Desk, launch: Launch) -> AsyncIterator[Desk]:
    """A service whose cache may be killed: the shared one, unless its cache is the user's."""
    if desk.cache_process is not None:
        yield desk
        return
    with CacheProcess() as process:
        async with launch(cache_process=process, cache={"url": process.url}) as own:
            yield own
