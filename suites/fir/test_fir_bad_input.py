"""Wrong input, by callers, in settings and in the database: a clear error, and nothing else is disturbed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fir_processes import ApiServer, DidNotStart
from fir_support import HANG, Desk, Growth, Refusal
from reportdesk.breaker import Breaker
from reportdesk.cache import ReportCache
from reportdesk.database import open_database
from reportdesk.errors import StartError
from reportdesk.metrics import Metrics
from reportdesk.model import ModelClient
from reportdesk.retry import Retry
from reportdesk.settings import (
    Backoff,
    BreakerSettings,
    CacheSettings,
    DatabaseSettings,
    ModelSettings,
    read_settings,
)
from reportdesk.sqlite import SqliteDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.requirement("FIR-INPUT-1")]

BODIES = {
    "nothing": (b"", "the body is no JSON"),
    "no JSON": (b"{]", "the body is no JSON"),
    "no UTF-8": (b'{"title": "\xff\xfe", "facts": ["x"]}', "the body is no JSON: .*utf-8"),
    "no object": (b"[1, 2]", "Expected `object`, got `array`"),
    "nested without end": (b'{"title": "x", "facts": ' + b"[" * 50_000, "`str`|nested too deeply"),
    "no facts": (b'{"title": "x"}', "missing required field `facts`"),
    "no fact": (b'{"title": "x", "facts": []}', r"length >= 1 - at `\$.facts`"),
    "empty fact": (b'{"title": "x", "facts": [""]}', r"length >= 1 - at `\$.facts\[0\]`"),
    "fact of a wrong type": (b'{"title": "x", "facts": [7]}', "Expected `str`, got `int`"),
    "fact too long": (b'{"title": "x", "facts": ["%s"]}' % (b"x" * 2_001), "length <= 2000"),
    "too many facts": (b'{"title": "x", "facts": [%s]}' % b",".join([b'"x"'] * 101), "length <= 100"),
    "title too long": (b'{"title": "%s", "facts": ["x"]}' % (b"x" * 201), r"length <= 200 - at `\$.title`"),
    "field too many": (b'{"title": "x", "facts": ["x"], "ttl": -1}', "unknown field `ttl`"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("body", "message"), BODIES.values(), ids=BODIES.keys())
async def test_bad_body_is_refused(desk: Desk, body: bytes, message: str) -> None:
    growth = await Growth.of(desk)
    response = await desk.http.post("/cases", content=body)
    with pytest.raises(Refusal, match=f"400 invalid_input: .*({message})"):
        raise Refusal(response)
    assert await growth.event("error.invalid_input") == 1
    assert await growth.errors("request") == 0  # the mistake is not the service's
    assert await growth.count("database.query") == 0
    await desk.new_case()


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """A body that does not tell its length."""
    for _ in range(size // 10_000):
        yield b"x" * 10_000


@pytest.mark.asyncio
@pytest.mark.parametrize("chunked", [False, True], ids=["length told", "length not told"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/cases"), ("PATCH", "/cases/x"), ("POST", "/tasks")])
async def test_oversized_body_is_refused(desk: Desk, method: str, path: str, chunked: bool) -> None:
    body = in_pieces(1_000_000) if chunked else b"x" * 1_000_000
    response = await desk.http.request(method, path, content=body)
    with pytest.raises(Refusal, match="413 payload_too_large: a body may have 65536 bytes"):
        raise Refusal(response)
    await desk.new_case()


@pytest.mark.asyncio
async def test_unknown_ids_are_told(desk: Desk) -> None:
    with pytest.raises(Refusal, match="404 unknown_case: there is no case 'nobody'"):
        await desk.report("nobody")
    with pytest.raises(Refusal, match="404 unknown_case: there is no case 'nobody'"):
        await desk.revise("nobody", "a fact")
    with pytest.raises(Refusal, match="404 unknown_task: there is no task 'nothing'"):
        await desk.task("nothing")
    assert await desk.model.received() == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("case", ["a b", "x" * 65, "%00", "%F0%9F%A6%8A", "a'b", "a\\b", "%0A", "x%0A"])
async def test_ids_that_cannot_be_are_refused(desk: Desk, case: str) -> None:
    growth = await Growth.of(desk)
    with pytest.raises(Refusal, match="400 invalid_input: a case's id has 1 to 64 letters"):
        await desk.report(case)
    with pytest.raises(Refusal, match="400 invalid_input"):
        await desk.revise(case, "a fact")
    assert await growth.count("database.query") == 0


@pytest.mark.asyncio
async def test_task_without_a_possible_case_is_refused(desk: Desk) -> None:
    with pytest.raises(Refusal, match=r"400 invalid_input: Expected `str` matching regex .* - at `\$.case`"):
        await desk.enqueue("no such id")
    with pytest.raises(Refusal, match=r"400 invalid_input: .*missing required field `case`"):
        await desk.ask("POST", "/tasks", {})


@pytest.mark.asyncio
async def test_routes_that_do_not_exist_are_told_as_json(desk: Desk) -> None:
    with pytest.raises(Refusal, match="404 no_such_route"):
        await desk.ask("GET", "/reports")
    with pytest.raises(Refusal, match="405 no_such_route"):
        await desk.ask("DELETE", "/tasks/x")


# -- settings --


def settings(**changes: dict[str, Any]) -> dict[str, Any]:
    """Settings that are right, but for these changes."""
    parts: dict[str, Any] = {
        "cache": {"url": "unix:///nowhere"},
        "database": {"url": "sqlite:///nowhere"},
        "model": {"url": "http://127.0.0.1:1"},
    }
    return parts | {name: parts.get(name, {}) | change for name, change in changes.items()}


SETTINGS: dict[str, tuple[object, str]] = {
    "negative TTL": (settings(cache={"ttl": -1}), r"`float` >= 0.001 - at `\$.cache.ttl`"),
    "no TTL": (settings(cache={"ttl": 0}), r"`float` >= 0.001 - at `\$.cache.ttl`"),
    "TTL no number": (settings(cache={"ttl": "1h"}), r"Expected `float`, got `str` - at `\$.cache.ttl`"),
    "misspelt": (settings(cache={"tll": 1}), r"unknown field `tll` - at `\$.cache`"),
    "no attempt": (settings(model={"retry": {"attempts": 0}}), r"`int` >= 1 - at `\$.model.retry.attempts`"),
    "jitter beyond all": (settings(model={"retry": {"jitter": 1.5}}), r"<= 1.0 - at `\$.model.retry.jitter`"),
    "no threshold": (settings(model={"breaker": {"threshold": 0}}), r"`\$.model.breaker.threshold`"),
    "no worker": (settings(tasks={"workers": 0}), r">= 1 - at `\$.tasks.workers`"),
    "no cache": ({"database": {"url": "x"}, "model": {"url": "x"}}, "missing required field `cache`"),
    "a list": ([], "Expected `object`, got `array`"),
}


@pytest.mark.parametrize(("content", "message"), SETTINGS.values(), ids=SETTINGS.keys())
def test_wrong_settings_are_told_with_their_place(tmp_path: Path, content: object, message: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(content))
    with pytest.raises(StartError, match=message) as caught:
        read_settings(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_settings_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"the settings cannot be read: .*No such file"):
        read_settings(tmp_path / "none")
    (tmp_path / "broken").write_bytes(b'{"cache": NaN}')
    with pytest.raises(StartError, match="broken: JSON is malformed"):
        read_settings(tmp_path / "broken")


@pytest.mark.asyncio
async def test_addresses_of_no_known_kind_are_told() -> None:
    breaker, metrics = Breaker("a part", BreakerSettings()), Metrics()
    with pytest.raises(StartError, match="no database at 'mysql://x': it must begin with sqlite://"):
        await open_database(DatabaseSettings(url="mysql://x"))
    with pytest.raises(StartError, match="no cache at 'tcp://x'"):
        ReportCache(CacheSettings(url="tcp://x"), breaker, metrics)
    with pytest.raises(StartError, match="no model server at 'ftp://x': it must begin with http://"):
        ModelClient(ModelSettings(url="ftp://x"), Retry(Backoff()), breaker, metrics)


def test_service_with_a_negative_ttl_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(DidNotStart) as caught:
        ApiServer(settings(cache={"ttl": -1}), tmp_path).start()
    assert str(caught.value).startswith("exit code 2: reportdesk: ")
    assert "Expected `float` >= 0.001 - at `$.cache.ttl`" in str(caught.value)
    assert "Traceback" not in str(caught.value)


# -- databases --


@contextmanager
def sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def opened(path: Path) -> None:
    """Open the database as the service does, and close it."""

    async def open_and_close() -> None:
        await (await open_database(DatabaseSettings(url=f"sqlite://{path}", timeout=0.05))).close()

    asyncio.run(open_and_close())


@pytest.mark.requirement("FIR-DB-2")
@pytest.mark.parametrize("version", [1, 3])
def test_database_of_another_version_is_refused(tmp_path: Path, version: int) -> None:
    path = tmp_path / "reports.db"
    opened(path)
    with sqlite(path) as connection:
        connection.execute("UPDATE schema_version SET version = ?", (version,))
    with pytest.raises(
        StartError, match=f"have version {version}, and this service needs version 2: convert"
    ):
        opened(path)


@pytest.mark.requirement("FIR-DB-2")
def test_database_from_before_versions_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "reports.db"
    with sqlite(path) as connection:
        connection.execute("CREATE TABLE cases (id TEXT PRIMARY KEY, facts TEXT)")
    before = path.read_bytes()
    with pytest.raises(DidNotStart) as caught:
        ApiServer(settings(database={"url": f"sqlite://{path}"}), tmp_path).start()
    assert f"reportdesk: the tables in {path} have no version" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.requirement("FIR-DB-2")
def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reports.db"
    path.write_bytes(b"a letter, and not a short one, to somebody who is no database at all" * 100)
    with pytest.raises(StartError, match="is no SQLite database"):
        opened(path)


@pytest.mark.requirement("FIR-DB-2")
def test_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="unable to open database file"):
        opened(tmp_path / "no folder" / "reports.db")
    with sqlite(tmp_path / "reports.db") as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StartError, match="database is locked"):
            opened(tmp_path / "reports.db")


@pytest.mark.asyncio
@pytest.mark.requirement("FIR-DB-2")
async def test_two_services_may_begin_on_one_empty_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_looked = asyncio.Barrier(2)

    class Together(SqliteDriver):
        """Makes tables only when another service, too, has seen that there are none."""

        async def tables(self) -> set[str]:
            found = await super().tables()
            await both_looked.wait()
            return found

    monkeypatch.setattr("reportdesk.sqlite.SqliteDriver", Together)
    settings = DatabaseSettings(url=f"sqlite://{tmp_path / 'reports.db'}", timeout=HANG)
    async with asyncio.timeout(HANG):
        one, other = await asyncio.gather(open_database(settings), open_database(settings))
    try:
        assert await one.run("SELECT version FROM schema_version") == [(2,)]
    finally:
        await one.close()
        await other.close()


@pytest.mark.requirement("FIR-DB-2")
def test_database_of_this_version_is_opened_again(tmp_path: Path) -> None:
    opened(tmp_path / "reports.db")
    opened(tmp_path / "reports.db")
