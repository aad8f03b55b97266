"""Cases and reports in a relational database: the statements, their retries, and the check of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import msgspec

from .errors import DatabaseUnavailable, StartError, UnknownCase
from .records import Case, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .metrics import Metrics
    from .retry import Retry
    from .settings import DatabaseSettings

Value: TypeAlias = "str | int"
Row: TypeAlias = "Sequence[Value | None]"

SCHEMA_VERSION = 2

# Two services may begin on the same empty database: the second finds what the first has made.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS cases"
    " (id TEXT PRIMARY KEY, title TEXT NOT NULL, facts TEXT NOT NULL, revision INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reports"
    " (case_id TEXT PRIMARY KEY REFERENCES cases, revision INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)",
    f"INSERT INTO schema_version SELECT {SCHEMA_VERSION} WHERE NOT EXISTS (SELECT 1 FROM schema_version)",
)

# `?1` is the first value; drivers whose database writes it otherwise translate it.
_CREATE = "INSERT INTO cases VALUES (?1, ?2, ?3, 1) ON CONFLICT (id) DO NOTHING"
_LOAD = (
    "SELECT c.title, c.facts, c.revision, r.text FROM cases c"
    " LEFT JOIN reports r ON r.case_id = c.id AND r.revision = c.revision WHERE c.id = ?1"
)
_REVISE = "UPDATE cases SET facts = ?2, revision = revision + 1 WHERE id = ?1 RETURNING title, revision"
_SAVE = (
    "INSERT INTO reports VALUES (?1, ?2, ?3) ON CONFLICT (case_id)"
    " DO UPDATE SET revision = excluded.revision, text = excluded.text"
    " WHERE excluded.revision >= reports.revision"
)


class Driver(Protocol):
    """One kind of database. What may pass by itself is raised as DatabaseUnavailable."""

    name: str
    """Which database it is, for messages."""

    async def run(self, statement: str, *values: Value) -> Sequence[Row]:
        """Carry out one statement in a transaction of its own; the rows that it gives."""

    async def tables(self) -> set[str]:
        """The names of the tables that are there."""

    async def create(self, statements: Sequence[str]) -> None:
        """Carry out these statements in one transaction, and nobody else's at the same time."""

    async def close(self) -> None:
        """Let go of everything."""


class Loaded(NamedTuple):
    """A case, and the text of the report on its current revision if there is one."""

    case: Case
    text: str | None


class Database:
    """What the service asks of its database."""

    def __init__(self, driver: Driver, retry: Retry, metrics: Metrics) -> None:
        self._driver = driver
        self._retry = retry
        self._metrics = metrics

    async def create(self, case: Case) -> None:
        await self._run("create", _CREATE, case.id, case.title, _packed(case.facts))

    async def load(self, case_id: str) -> Loaded:
        """The case and its report, or UnknownCase."""
        rows = await self._run("load", _LOAD, case_id)
        if not rows:
            raise _unknown(case_id)
        title, facts, revision, text = rows[0]
        case = msgspec.convert([case_id, title, _unpacked(facts), revision], _CaseRow).case()
        return Loaded(case, None if text is None else str(text))

    async def revise(self, case_id: str, facts: list[str]) -> Case:
        """Replace the facts of a case, or UnknownCase."""
        rows = await self._run("revise", _REVISE, case_id, _packed(facts))
        if not rows:
            raise _unknown(case_id)
        title, revision = rows[0]
        return msgspec.convert([case_id, title, facts, revision], _CaseRow).case()

    async def save(self, report: Report) -> None:
        """Keep a report, unless one on a later revision is kept already."""
        await self._run("save", _SAVE, report.case, report.revision, report.text)

    async def close(self) -> None:
        await self._driver.close()

    async def _run(self, name: str, statement: str, *values: Value) -> Sequence[Row]:
        async def attempt() -> Sequence[Row]:
            with self._metrics.operation("database.query", statement=name):
                return await self._driver.run(statement, *values)

        return await self._retry.run(attempt)


class _CaseRow(msgspec.Struct, array_like=True):
    """Checks on the way that the columns hold what they should."""

    id: str
    title: str
    facts: list[str]
    revision: int

    def case(self) -> Case:
        return Case(self.id, self.title, self.facts, self.revision)


async def open_database(settings: DatabaseSettings) -> Driver:
    """Connect, make the tables if there are none, and refuse a database of another version."""
    driver = await _connect(settings)
    try:
        await _check_schema(driver)
    except DatabaseUnavailable as error:
        await driver.close()
        raise StartError(str(error)) from error
    except BaseException:
        await driver.close()
        raise
    return driver


async def _connect(settings: DatabaseSettings) -> Driver:
    scheme, _, rest = settings.url.partition("://")
    if scheme == "sqlite":
        from .sqlite import SqliteDriver

        return SqliteDriver(rest, settings.timeout)
    if scheme in ("postgres", "postgresql"):
        from .postgres import PostgresDriver

        return await PostgresDriver.connect(settings)
    raise StartError(f"no database at {settings.url!r}: it must begin with sqlite:// or postgresql://")


async def _check_schema(driver: Driver) -> None:
    tables = await driver.tables()
    if not tables & {"cases", "reports", "schema_version"}:
        await driver.create(_TABLES)
        return
    found: object = None
    if "schema_version" in tables:
        rows = await driver.run("SELECT version FROM schema_version")
        found = rows[0][0] if rows else None
    if found != SCHEMA_VERSION:
        version = "no version" if found is None else f"version {found}"
        raise StartError(
            f"the tables in {driver.name} have {version}, and this service needs version {SCHEMA_VERSION}:"
            " convert them, or name another database"
        )


def _packed(facts: list[str]) -> str:
    return msgspec.json.encode(facts).decode()


def _unpacked(facts: object) -> object:
    return msgspec.json.decode(str(facts))


def _unknown(case_id: str) -> UnknownCase:
    return UnknownCase(f"there is no case {case_id!r}")
