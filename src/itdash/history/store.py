"""The history in SQLite: the only module that speaks SQL."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from itdash.errors import INTERNAL_ERROR, ItdashError
from itdash.history.record import UNFINISHED, Budget, Head, Operation, Owned, Record, Test, from_wire, wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from itdash.measure.latency import Histogram

FILE: Final = "history.db"
WAIT: Final = 5.0
"""Seconds to wait for another itdash that writes."""

_OURS: Final = 0x69746461
_CORRUPT, _NO_DATABASE, _BUSY, _ERROR = 11, 26, 5, 1
_READ: Final = 900  # so many values at most stand in one statement

STEPS: Final = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, started REAL NOT NULL,
        duration INTEGER NOT NULL, verdict TEXT NOT NULL, exit_code INTEGER, "commit" TEXT NOT NULL,
        branch TEXT NOT NULL, clean INTEGER NOT NULL, machine TEXT NOT NULL, python TEXT NOT NULL,
        pytest TEXT NOT NULL, workers INTEGER NOT NULL, root TEXT NOT NULL, command TEXT NOT NULL,
        asked TEXT NOT NULL, counts TEXT NOT NULL
    );
    CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE results (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        test INTEGER NOT NULL REFERENCES names(id),
        outcome INTEGER NOT NULL REFERENCES names(id), attempts INTEGER NOT NULL, duration INTEGER NOT NULL,
        PRIMARY KEY (run, test)
    ) WITHOUT ROWID;
    CREATE TABLE operations (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        name INTEGER NOT NULL REFERENCES names(id),
        count INTEGER NOT NULL, errors INTEGER NOT NULL, peak INTEGER NOT NULL, latency BLOB NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE TABLE budgets (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        owner INTEGER NOT NULL REFERENCES names(id),
        operation INTEGER NOT NULL REFERENCES names(id), budget INTEGER NOT NULL REFERENCES names(id),
        verdict INTEGER NOT NULL REFERENCES names(id), margin REAL,
        PRIMARY KEY (run, owner, operation, budget)
    ) WITHOUT ROWID;
    CREATE TABLE requirements (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        suite INTEGER NOT NULL REFERENCES names(id),
        requirement INTEGER NOT NULL REFERENCES names(id), status INTEGER NOT NULL REFERENCES names(id),
        PRIMARY KEY (run, suite, requirement)
    ) WITHOUT ROWID;
    """,
)
"""Each step makes the next version of the schema; the version of a file is how many it has taken."""

_HEAD: Final = (
    'runs.name, started, runs.duration, verdict, exit_code, "commit", branch, clean, machine, python, '
    "pytest, workers, root, command, asked, counts"
)
_HEADS: Final = f"SELECT {_HEAD}, id FROM runs"


class StoreError(ItdashError):
    """The history cannot be used now; str() says why."""

    exit_code = INTERNAL_ERROR


class BrokenStore(StoreError):
    """The file is no history, or is damaged."""


class NewerStore(StoreError):
    """A later itdash made the file."""


class Seen(NamedTuple):
    """A test in a run; `place` counts the runs that were asked for, from 0 for the newest."""

    place: int
    outcome: str
    attempts: int
    duration: int


class Store:
    """A history that is open."""

    def __init__(self, connection: sqlite3.Connection, writable: bool = True) -> None:
        self._db = connection
        self.writable = writable
        self._names: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    # -- opening --

    @classmethod
    def open(cls, path: Path, wait: float = WAIT) -> Store:
        """The history in a file, made or brought to the newest schema where that is needed."""
        with _told():
            db = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA synchronous = NORMAL")
                _prepare(db)
            except BaseException:
                db.close()
                raise
            return cls(db)

    @classmethod
    def in_memory(cls, path: Path | None = None) -> Store:
        """A history that is not kept: a copy of a file that can only be read, or an empty one."""
        with _told():
            db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            if path is not None and path.is_file():
                source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
                try:
                    source.backup(db)
                finally:
                    source.close()
            _prepare(db)
            return cls(db, writable=False)

    @staticmethod
    def is_sound(path: Path) -> bool:
        """Whether every page of a file can be read."""
        try:
            with _told(), contextlib.closing(sqlite3.connect(path, timeout=WAIT)) as db:
                _version(db)
                return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except BrokenStore:
            return False

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- writing --

    def add(self, records: Iterable[Record]) -> None:
        """Take runs in, all or none of them; one that is known already stays as it is."""
        with _told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for record in records:
                    self._add(record)
                self._db.execute("COMMIT")
            except BaseException:
                self._names.clear()
                self._texts.clear()
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def _add(self, record: Record) -> None:
        head = record.head
        # It may have been met when it had just begun and did not look as if it went on.
        self._db.execute("DELETE FROM runs WHERE name = ? AND verdict = ?", (_plain(head.name), UNFINISHED))
        cursor = self._db.execute(
            f"INSERT INTO runs VALUES ({', '.join(['NULL'] + ['?'] * 16)}) ON CONFLICT (name) DO NOTHING",
            (_plain(head.name), head.started, head.duration, head.verdict, head.exit_code, head.commit,
             _plain(head.branch), head.clean, head.machine, head.python, head.pytest, head.workers,
             _plain(head.root), json.dumps(head.command), json.dumps(head.asked), json.dumps(head.counts)),
        )  # fmt: skip
        if cursor.rowcount < 1:
            return
        run, id_of = cursor.lastrowid, self._id_of
        self._many("results", 5, (
            (run, id_of(name), id_of(test.outcome), test.attempts, test.duration)
            for name, test in record.tests.items()
        ))  # fmt: skip
        self._many("operations", 6, (
            (run, id_of(name), one.count, one.errors, one.peak, wire(one.latency))
            for name, one in record.operations.items()
        ))  # fmt: skip
        self._many("budgets", 6, (
            (run, *map(id_of, key), id_of(budget.verdict), budget.margin)
            for key, budget in record.budgets.items()
        ))  # fmt: skip
        self._many("requirements", 4, (
            (run, id_of(suite), id_of(id), id_of(status))
            for (suite, id), status in record.requirements.items()
        ))  # fmt: skip

    def _many(self, table: str, values: int, rows: Iterable[tuple[Any, ...]]) -> None:
        places = ", ".join("?" * values)
        self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", list(rows))

    def _id_of(self, text: str) -> int:
        """The number that stands for a text in all other tables."""
        found = self._names.get(text)
        if found is None:
            plain = _plain(text)
            self._db.execute("INSERT INTO names (text) VALUES (?) ON CONFLICT DO NOTHING", (plain,))
            found = self._db.execute("SELECT id FROM names WHERE text = ?", (plain,)).fetchone()[0]
            self._names[text] = found
        return found

    # -- runs --

    def known(self, names: Sequence[str]) -> set[str]:
        """Those of the runs that are known."""
        return {
            name
            for start in range(0, len(names), _READ)
            for (name,) in self._in("SELECT name FROM runs WHERE name IN", names[start : start + _READ])
        }

    def count(self) -> int:
        """How many runs are known."""
        return int(self._all("SELECT count(*) FROM runs")[0][0])

    def heads(self, most: int = -1, *, before: str = "", branch: str = "", verdict: str = "") -> list[Head]:
        """Runs, newest first: at most so many, only those before one, of a branch, or with a verdict."""
        found = self._all(
            f"{_HEADS} WHERE (?1 = '' OR name < ?1) AND (?2 = '' OR branch = ?2)"
            " AND (?3 = '' OR verdict = ?3) ORDER BY name DESC LIMIT ?4",
            (before, branch, verdict, most),
        )
        return [_head(row) for row in found]

    def starting(self, start: str, most: int) -> list[str]:
        """The names of runs that begin like this, newest first."""
        return [
            name
            for (name,) in self._all(
                "SELECT name FROM runs WHERE substr(name, 1, ?) = ? ORDER BY name DESC LIMIT ?",
                (len(start), start, most),
            )
        ]

    def record(self, name: str) -> Record | None:
        """All that is known of a run."""
        found = self._all(f"{_HEADS} WHERE name = ?", (name,))
        if not found:
            return None
        run, text_of = found[0][-1], self._text_of
        tests = self._all("SELECT test, outcome, attempts, duration FROM results WHERE run = ?", (run,))
        budgets = self._all(
            "SELECT owner, operation, budget, verdict, margin FROM budgets WHERE run = ?", (run,)
        )
        requirements = self._all("SELECT suite, requirement, status FROM requirements WHERE run = ?", (run,))
        operations = self._all(
            "SELECT name, count, errors, peak, latency FROM operations WHERE run = ?", (run,)
        )
        self._learn(
            [number for row in tests for number in row[:2]]
            + [number for row in budgets for number in row[:4]]
            + [number for row in requirements for number in row]
            + [row[0] for row in operations]
        )
        return Record(
            _head(found[0]),
            {text_of(test): Test(text_of(outcome), *rest) for test, outcome, *rest in tests},
            {
                text_of(name): Operation(count, errors, peak, from_wire(latency))
                for name, count, errors, peak, latency in operations
            },
            {
                Owned(text_of(owner), text_of(operation), text_of(budget)): Budget(text_of(verdict), margin)
                for owner, operation, budget, verdict, margin in budgets
            },
            {(text_of(suite), text_of(id)): text_of(status) for suite, id, status in requirements},
        )

    # -- tests over many runs --

    def outcomes(self, runs: Sequence[str], only: Collection[str] | None = None) -> dict[str, list[Seen]]:
        """What became of each test, or only of these, in the runs, in their order."""
        found: dict[int, list[Seen]] = {}
        chosen = None if only is None else self._numbers(list(only))
        for place, run in enumerate(self._ids(runs)):
            rows = self._results(run, chosen)
            self._learn({row[1] for row in rows})
            text_of = self._texts
            for test, outcome, attempts, duration in rows:
                seen = Seen(place, text_of[outcome], attempts, duration)
                try:
                    found[test].append(seen)
                except KeyError:
                    found[test] = [seen]
        self._learn(found)
        return {self._text_of(test): seen for test, seen in found.items()}

    def _results(self, run: int, chosen: list[int] | None) -> list[Any]:
        statement = "SELECT test, outcome, attempts, duration FROM results WHERE run = ?"
        if chosen is None:
            return self._all(statement, (run,))
        rows = []
        for start in range(0, len(chosen), _READ):
            some = chosen[start : start + _READ]
            rows += self._all(f"{statement} AND test IN ({', '.join('?' * len(some))})", (run, *some))
        return rows

    def odd(self, runs: Sequence[str]) -> set[str]:
        """The tests that in any of these runs did anything but pass at once."""
        passed = self._numbers(["passed"]) or [-1]
        found = {
            test
            for run in self._ids(runs)
            for (test,) in self._all(
                "SELECT test FROM results WHERE run = ? AND (outcome != ? OR attempts > 1)", (run, passed[0])
            )
        }
        self._learn(found)
        return {self._text_of(test) for test in found}

    def tallies(self, runs: Sequence[str]) -> list[dict[str, int]]:
        """How many tests had each outcome in each of these runs."""
        found = [
            self._all("SELECT outcome, count(*) FROM results WHERE run = ? GROUP BY outcome", (run,))
            for run in self._ids(runs)
        ]
        self._learn({outcome for rows in found for outcome, _ in rows})
        return [{self._text_of(outcome): n for outcome, n in rows} for rows in found]

    def past(self, test: str, before: str = "") -> Iterator[tuple[Head, Test]]:
        """The runs that know a test, newest first, each read when it is asked for."""
        number = self._all("SELECT id FROM names WHERE text = ?", (test,))
        if not number:
            return
        with _told():
            rows = self._db.execute(
                f"SELECT {_HEAD}, outcome, attempts, results.duration FROM runs"
                " CROSS JOIN results ON results.run = runs.id AND results.test = ?1"
                " WHERE (?2 = '' OR name < ?2) ORDER BY name DESC",
                (number[0][0], before),
            )
            for *head, outcome, attempts, duration in rows:
                self._learn([outcome])
                yield _head(head), Test(self._text_of(outcome), attempts, duration)

    def tests_like(self, part: str, most: int) -> list[str]:
        """Names of tests that hold this text."""
        found = self._all(
            "SELECT text FROM names WHERE instr(text, ?) AND id IN (SELECT DISTINCT test FROM results"
            " WHERE run IN (SELECT id FROM runs ORDER BY name DESC LIMIT 20)) ORDER BY text LIMIT ?",
            (part, most),
        )
        return [text for (text,) in found]

    # -- operations over many runs --

    def latencies(self, runs: Sequence[str]) -> dict[str, list[tuple[int, Histogram, int]]]:
        """The latencies and the peak of each operation in these runs, in their order, by the run's place."""
        found: dict[int, list[tuple[int, Histogram, int]]] = {}
        for place, run in enumerate(self._ids(runs)):
            for name, latency, peak in self._all(
                "SELECT name, latency, peak FROM operations WHERE run = ?", (run,)
            ):
                found.setdefault(name, []).append((place, from_wire(latency), peak))
        self._learn(list(found))
        return {self._text_of(name): rows for name, rows in found.items()}

    # -- the work --

    def _ids(self, runs: Sequence[str]) -> list[int]:
        known = {
            name: number
            for start in range(0, len(runs), _READ)
            for name, number in self._in(
                "SELECT name, id FROM runs WHERE name IN", runs[start : start + _READ]
            )
        }
        return [known[name] for name in runs if name in known]

    def _numbers(self, texts: Sequence[str]) -> list[int]:
        """The numbers of those of the texts that are known."""
        return [
            number
            for start in range(0, len(texts), _READ)
            for (number,) in self._in(
                "SELECT id FROM names WHERE text IN", list(map(_plain, texts[start : start + _READ]))
            )
        ]

    def _learn(self, numbers: Iterable[int]) -> None:
        wanted = [number for number in dict.fromkeys(numbers) if number not in self._texts]
        for start in range(0, len(wanted), _READ):
            some = wanted[start : start + _READ]
            self._texts.update(self._in("SELECT id, text FROM names WHERE id IN", some))

    def _text_of(self, number: int) -> str:
        return self._texts.get(number, "")

    def _in(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._all(f"{statement} ({', '.join('?' * len(values))})", tuple(values))

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with _told():
            return self._db.execute(statement, values).fetchall()


def _head(row: Sequence[Any]) -> Head:
    (name, started, duration, verdict, code, commit, branch, clean, machine, python, pytest, workers, root,
     command, asked, counts) = row[:16]  # fmt: skip
    return Head(
        name, started, duration, verdict, code, commit, branch, bool(clean), machine, python, pytest, workers,
        root, tuple(json.loads(command)), tuple(json.loads(asked)), json.loads(counts),
    )  # fmt: skip


def _plain(text: str) -> str:
    """The text as one that SQLite takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _prepare(db: sqlite3.Connection) -> None:
    """Bring the file to the newest schema."""
    version = _version(db)
    if version == len(STEPS):
        return
    if version > len(STEPS):
        raise NewerStore("a later version of itdash made it")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        for place in range(_version(db), len(STEPS)):  # another itdash may have been quicker
            for statement in STEPS[place].split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {_OURS}")
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    """How many steps the file has taken; BrokenStore for a database of something else."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    if owner != _OURS and (version or db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()):
        raise BrokenStore("it is a database of something else")
    return version


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """SQLite's errors as those of this module."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (_CORRUPT, _NO_DATABASE) or (code == _ERROR and "no such" in str(error)):
            raise BrokenStore(str(error)) from None
        busy = "another itdash writes it for long" if code == _BUSY else str(error)
        raise StoreError(busy) from None
