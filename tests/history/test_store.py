"""The database: what is put in comes out, at once from two sides, and after every fault."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from history_support import CLEAN, name, operation, run, test

from itdash.history import store as module
from itdash.history.record import UNFINISHED, Budget, Owned, Record
from itdash.history.store import BrokenStore, NewerStore, Seen, Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def whole(number: int = 1) -> Record:
    return run(
        number, {"t.py::a[ü\udcff\n]": test("failed", 2, 5), "t.py::b": "passed"}, **CLEAN, branch="main",
        command=("launch", "--suite", "é\udcff"), asked=("tests",), counts={"passed": 1, "failed": 1},
        operations={"db.query": operation([1, 2, 3.5], errors=1, peak=3)},
        budgets={Owned("t.py::b", "db.query", "p95 < 1ms"): Budget("kept", 0.5),
                 Owned("suite s", "db.query", "peak == 1"): Budget("broken", None)},
        requirements={("s", "4.1"): "verified", ("s", "4.2"): "failing"},
    )  # fmt: skip


def test_a_run_comes_out_as_it_went_in(path: Path) -> None:
    with Store.open(path) as store:
        store.add([whole()])
    with Store.open(path) as store:
        found = store.record(name(1))
    assert found is not None
    told, expected = found.head, whole().head
    assert told == expected
    assert found.tests["t.py::b"] == test("passed")
    assert found.tests["t.py::a[ü\\udcff\n]"] == test("failed", 2, 5)
    assert found.operations == whole().operations
    assert found.budgets == whole().budgets
    assert found.requirements == whole().requirements


def test_newest_first_by_branch_by_verdict_and_before_another(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(2, verdict="failed"), run(1, branch="x"), run(3, branch="x")])
        assert [head.name for head in store.heads()] == [name(3), name(2), name(1)]
        assert [head.name for head in store.heads(1)] == [name(3)]
        assert [head.name for head in store.heads(before=name(3))] == [name(2), name(1)]
        assert [head.name for head in store.heads(branch="x")] == [name(3), name(1)]
        assert [head.name for head in store.heads(verdict="failed")] == [name(2)]
        assert store.known([name(2), name(9)]) == {name(2)}
        assert store.starting("20260101-00000", 2) == [name(3), name(2)]
        assert store.starting("2026%", 9) == []


def test_a_run_that_is_known_stays_as_it_is(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(1, verdict="passed")])
        store.add([run(1, verdict="failed"), run(2)])
        assert [head.verdict for head in store.heads()] == ["passed", "passed"]


def test_a_run_that_was_met_too_early_is_replaced_by_its_end(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(1, {"t.py::old": "passed"}, verdict=UNFINISHED)])
        store.add([run(1, {"t.py::new": "failed"}, verdict="failed")])
        found = store.record(name(1))
        assert found is not None
        assert list(found.tests) == ["t.py::new"]
        assert store.count() == 1


def test_all_runs_of_a_call_are_taken_in_or_none(path: Path) -> None:
    with Store.open(path) as store:
        with pytest.raises(OverflowError):
            store.add([run(1), run(2, duration=1 << 70)])
        assert store.count() == 0
        store.add([run(1)])
        assert store.record(name(1)) == run(1)


def test_outcomes_and_past_of_tests(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(n, {"a": "failed" if n == 2 else "passed", **({"b": "passed"} if n > 2 else {})})
                   for n in range(1, 5)])  # fmt: skip
        outcomes = store.outcomes([name(4), name(3), name(2)])
        assert [(one.place, one.outcome) for one in outcomes["a"]] == [
            (0, "passed"), (1, "passed"), (2, "failed")
        ]  # fmt: skip
        assert [one.place for one in outcomes["b"]] == [0, 1]
        past = [(head.name, one.outcome) for head, one in store.past("a", before=name(4))]
        assert past == [(name(3), "passed"), (name(2), "failed"), (name(1), "passed")]
        assert list(store.past("nowhere")) == []
        assert store.tests_like("a", 5) == ["a"]
        assert store.tests_like("failed", 5) == []


def test_only_some_tests_and_how_many_there_were(path: Path) -> None:
    with Store.open(path) as store:
        store.add([
            run(1, {"a": "passed", "b": "failed", "c": test("passed", 2), "d": "passed"}),
            run(2, {"a": "passed", "b": "passed", "c": "passed", "d": "skipped"}),
        ])  # fmt: skip
        names = [name(2), name(1)]
        assert store.odd(names) == {"b", "c", "d"}
        assert store.odd([name(2)]) == {"d"}
        assert store.outcomes(names, ["b", "nothing"]) == {
            "b": [Seen(0, "passed", 1, 10_000_000), Seen(1, "failed", 1, 10_000_000)]
        }
        assert store.outcomes(names, []) == {}
        assert store.tallies(names) == [{"passed": 3, "skipped": 1}, {"failed": 1, "passed": 3}]


def test_latencies_by_run(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(n, operations={"op": operation([n], peak=n)}) for n in (1, 2, 3)])
        (newer, older) = store.latencies([name(3), name(1)])["op"]
    assert (newer[0], newer[1].min, newer[2]) == (0, 3000, 3)
    assert (older[0], older[1].min, older[2]) == (1, 1000, 1)


def test_more_runs_than_a_statement_can_name(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(n) for n in range(1000)])
        names = [name(n) for n in range(1000)]
        assert store.known(names) == set(names)
        assert len(store.outcomes(names)["t.py::a"]) == 1000


# -- the file --


def test_an_older_schema_is_brought_up_and_keeps_its_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(path) as store:
        store.add([run(1)])
    monkeypatch.setattr(module, "STEPS", (*module.STEPS, "CREATE TABLE more (id INTEGER PRIMARY KEY);"))
    with Store.open(path) as store:
        assert store.count() == 1
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (len(module.STEPS),)
    assert db.execute("SELECT count(*) FROM more").fetchone() == (0,)
    db.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store:
        store.add([run(1)])
    before = module.STEPS
    monkeypatch.setattr(module, "STEPS", (*before, "CREATE TABLE more (id INTEGER); CREATE NONSENSE"))
    with pytest.raises(StoreError):
        Store.open(path)
    monkeypatch.setattr(module, "STEPS", before)
    with Store.open(path) as store:
        assert store.count() == 1


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NewerStore, match="later version"):
        Store.open(path)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_broken(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BrokenStore):
        Store.open(path)
    assert not Store.is_sound(path)


def test_a_database_of_something_else_is_broken(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE recipes (id INTEGER)")
    db.commit()
    db.close()
    with pytest.raises(BrokenStore, match="something else"):
        Store.open(path)


def test_a_page_that_is_damaged_is_told_as_broken(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(n, {f"t.py::{i}": "passed" for i in range(200)}) for n in range(50)])
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    assert Store.is_sound(path)
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * len(data[8192:])
    path.write_bytes(data)
    assert not Store.is_sound(path)
    with pytest.raises(BrokenStore), Store.open(path) as store:
        store.outcomes([head.name for head in store.heads()])


def test_two_write_at_once(path: Path) -> None:
    """Each waits for the other, and nothing is lost."""
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 40):
                with Store.open(path, wait=60) as store:
                    store.add([run(number)])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store.open(path) as store:
        assert store.count() == 80


def test_a_lock_that_is_held_for_long_is_told(path: Path) -> None:
    Store.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(path, wait=0.01) as store:
        with pytest.raises(StoreError, match="another itdash writes"):
            store.add([run(1)])
        assert store.count() == 0  # reading goes on
    other.close()


def test_a_full_disk_is_told(path: Path) -> None:
    with Store.open(path) as store:
        store._db.execute("PRAGMA max_page_count = 20")
        with pytest.raises(StoreError, match="full"):
            store.add([run(n, {f"t.py::{i}": "passed" for i in range(500)}) for n in range(50)])
        assert store.count() == 0


def test_a_copy_in_memory_of_what_can_only_be_read(path: Path) -> None:
    with Store.open(path) as store:
        store.add([run(1)])
    before = path.read_bytes()
    with Store.in_memory(path) as store:
        store.add([run(2)])
        assert store.count() == 2
        assert not store.writable
    assert path.read_bytes() == before
    with Store.in_memory(path.with_name("nowhere")) as store:
        assert store.count() == 0
