"""The real parts: the chat server in a process of its own, and a manager connected to it over TCP."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from chatfleet.manager import SessionManager
from chatfleet.retry import RetryPolicy
from chatfleet.server.control import Control
from chatfleet.server.process import ServerProcess
from sessions_support import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatfleet.client import Address

FILES_FOR_THE_LARGEST_FLEET = 4_096


@pytest.fixture(scope="session", autouse=True)
def enough_files() -> Iterator[None]:
    """Allow this process as many open connections as the largest fleet has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(max(soft, FILES_FOR_THE_LARGEST_FLEET), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def shared_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that leave it alive."""
    with ServerProcess(tmp_path_factory.mktemp("chat") / "journal") as process:
        yield process


@pytest.fixture
def own_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that a test may kill."""
    with ServerProcess(tmp_path_factory.mktemp("chat") / "journal") as process:
        yield process


@pytest_asyncio.fixture
async def server(shared_process: ServerProcess) -> AsyncIterator[Control]:
    """Command over the shared server, which forgets what the test before has told it."""
    async with await Control.open(shared_process.control) as control:
        await control.reset()
        await control.post("news")
        yield control


@pytest.fixture
def chat(shared_process: ServerProcess, server: Control) -> Address:  # noqa: ARG001 - reset before use
    """Where the shared server takes chat connections."""
    return shared_process.chat


@pytest_asyncio.fixture
async def manager(chat: Address) -> AsyncIterator[SessionManager]:
    """A manager with a limit of five scrapes and short pauses between its attempts."""
    async with SessionManager(
        chat, scrape_limit=5, retry=RetryPolicy(base=0.01, ceiling=0.2), request_timeout=5.0
    ) as manager:
        yield manager


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()
