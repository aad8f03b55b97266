"""The real parts, each in a process of its own: the archive, its worker, its Redis, the channel."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
import pytest_asyncio
from archive_stack import Stack, running_stack
from archive_support import BEGAN, Archive, Caller
from vodshelf.parts import Parts, open_parts
from vodshelf.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

IMPATIENT = {"tasks": {"lease": 1.0}, "channel": {"timeout": 0.6, "attempts": 2}}
"""Soon sees that something is gone."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "integration: needs the service with all its parts running")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that tells how long all of them took comes after them."""
    items.sort(key=lambda item: item.name == "test_the_whole_suite_takes_less_than_ten_minutes")


@pytest.fixture(scope="session", autouse=True)
def began(request: pytest.FixtureRequest) -> None:
    """The moment at which the first test begins."""
    request.config.stash[BEGAN] = time.monotonic()


@pytest.fixture(scope="session")
def dsn() -> str | None:
    """The PostgreSQL that the user wants to be used instead of SQLite."""
    return os.environ.get("ITDASH_POSTGRES_DSN") or None


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, dsn: str | None) -> Iterator[Stack]:
    """One archive for all tests that break none of its parts."""
    own_redis = os.environ.get("ITDASH_REDIS_URL") or None
    with running_stack(tmp_path_factory.mktemp("archive"), dsn, own_redis, {}) as stack:
        yield stack


@pytest.fixture(scope="session")
def frail_stack(tmp_path_factory: pytest.TempPathFactory, dsn: str | None) -> Iterator[Stack]:
    """One archive whose parts may be killed, frozen and taken away."""
    with running_stack(tmp_path_factory.mktemp("frail"), dsn, None, IMPATIENT) as stack:
        yield stack


@pytest_asyncio.fixture
async def archive(shared_stack: Stack) -> AsyncIterator[Archive]:
    """The shared archive."""
    async with Archive(shared_stack) as archive:
        yield archive


@pytest_asyncio.fixture
async def frail(frail_stack: Stack) -> AsyncIterator[Archive]:
    """The archive that may be broken, whole again before the next test."""
    frail_stack.mend()
    async with Archive(frail_stack) as archive:
        await archive.until_healthy()
        yield archive


@pytest_asyncio.fixture
async def admin(archive: Archive) -> Caller:
    """The administrator, in one session for all tests of the shared archive."""
    if archive.stack.admin_token is None:
        archive.stack.admin_token = (await archive.admin()).token
    return Caller(archive.http, archive.stack.admin_token, "admin")


@pytest_asyncio.fixture
async def editor(archive: Archive, admin: Caller) -> Caller:
    """Somebody new who may change videos."""
    return (await archive.newcomer("editor", admin))[1]


@pytest_asyncio.fixture
async def viewer(archive: Archive) -> Caller:
    """Somebody new who may look only."""
    return (await archive.newcomer())[1]


@pytest_asyncio.fixture
async def frail_editor(frail: Archive) -> Caller:
    return (await frail.newcomer("editor"))[1]


@pytest_asyncio.fixture
async def parts(shared_stack: Stack) -> AsyncIterator[Parts]:
    """The services in the test's own process, on the database and the Redis of the shared archive."""
    async with open_parts(msgspec.convert(shared_stack.settings, Settings)) as parts:
        yield parts
