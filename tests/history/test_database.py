"""The history follows the run directories, whatever happens to its file."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from history_support import name, run

from itdash.events.elsewhere import elsewhere
from itdash.history import database
from itdash.history.database import Listener, add, ask
from itdash.history.record import UNFINISHED
from itdash.history.store import FILE, Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path


class Heard(Listener):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, with a temporary folder of its own."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    folder = tmp_path / ".itdash"
    folder.mkdir()
    return folder


def keep(base: Path, number: int, **more: Any) -> Path:
    """A run directory with a summary."""
    folder = base / "runs" / name(number)
    (folder / "segments").mkdir(parents=True)
    case = {"id": "t.py::a", "suite": "t", "outcome": "passed", "attempts": 1, "duration": 0.25}
    summary = {
        "run": name(number), "started": 1.5, "duration": 2.5, "verdict": "passed", "exit_code": 0,
        "cases": [case], **more,
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def names(base: Path, heard: Heard | None = None) -> list[str]:
    return ask(base, lambda store: [head.name for head in store.heads()], heard)


def test_runs_that_are_there_are_taken_in(base: Path) -> None:
    keep(base, 1)
    keep(base, 2)
    heard = Heard()
    assert names(base, heard) == [name(2), name(1)]
    assert (heard.warnings, heard.steps) == ([], [(2, 2)])
    again = Heard()
    assert names(base, again) == [name(2), name(1)]
    assert again.steps == []  # all were known


def test_it_outlives_the_run_directories(base: Path) -> None:
    folder = keep(base, 1)
    assert names(base) == [name(1)]
    shutil.rmtree(folder)
    keep(base, 2)
    assert names(base) == [name(2), name(1)]


def test_a_run_that_goes_on_is_left_for_later(base: Path) -> None:
    folder = keep(base, 1)
    (folder / "pid").write_text(str(os.getpid()))
    assert names(base) == []
    (folder / "pid").unlink()
    assert names(base) == [name(1)]


def test_a_run_without_a_summary_is_read_from_its_journal(base: Path) -> None:
    folder = keep(base, 1)
    (folder / "summary.json").unlink()
    (folder / "segments" / "itdash.jsonl").write_text(
        '{"kind":"RunStarted","t":5,"schema":1,"run":"x","started":9.5,"root":"/p","cwd":"/p",'
        '"command":["itdash","launch"],"itdash":"0","python":"3.11.7","platform":"linux","commit":"abc"}\n'
        '{"kind":"CasesCollected","t":6,"first":0,"cases":[["t.py::a"]]}\n'
    )
    (record,) = ask(base, lambda store: [store.record(head.name) for head in store.heads()])
    assert record is not None
    assert (record.head.verdict, record.head.started, record.head.commit) == (UNFINISHED, 9.5, "abc")
    assert record.tests["t.py::a"].outcome == "not run"


@pytest.mark.parametrize("text", ["", "{", '{"cases": 5}', '{"cases":[{"id":1}]}', "\0" * 100])
def test_what_cannot_be_read_is_a_run_all_the_same(base: Path, text: str) -> None:
    folder = keep(base, 1)
    (folder / "summary.json").write_text(text)
    (folder / "segments" / "itdash.jsonl").write_bytes(b'{"kind":"StageFinished","t":1}\n\xff\xfe{{{\n')
    keep(base, 2)
    assert names(base) == [name(2), name(1)]


def test_durations_that_no_number_can_hold(base: Path) -> None:
    case = {"id": "t.py::a", "outcome": "passed", "attempts": 1, "duration": 1e300}
    keep(base, 1, cases=[case])
    keep(base, 2)
    heard = Heard()
    assert names(base, heard) == [name(2), name(1)]
    assert heard.warnings == []


def test_runs_that_had_to_go_elsewhere_are_known_too(base: Path) -> None:
    other = elsewhere(base)
    other.mkdir(0o700)
    keep(other, 2)
    keep(base, 1)
    assert names(base) == [name(2), name(1)]
    assert (base / FILE).exists()
    assert not (other / FILE).exists()


def test_where_there_is_no_folder_none_is_made(base: Path) -> None:
    base.rmdir()
    assert names(base) == []
    assert not base.exists()


def test_a_folder_that_cannot_be_used_has_its_history_elsewhere(base: Path) -> None:
    base.rmdir()
    base.write_text("a file")
    other = elsewhere(base)
    other.mkdir(0o700)
    keep(other, 1)
    assert names(base) == [name(1)]
    assert (other / FILE).exists()


def test_what_cannot_be_written_is_answered_and_told(base: Path) -> None:
    keep(base, 1)
    (base / FILE).mkdir()  # no file can be made there
    heard = Heard()
    assert names(base, heard) == [name(1)]
    (warning,) = heard.warnings
    assert "cannot be written" in warning
    assert "not kept" in warning


@pytest.mark.parametrize("content", [b"", b"nothing like it " * 500])
def test_a_broken_file_is_set_aside_and_made_anew(base: Path, content: bytes) -> None:
    keep(base, 1)
    names(base)
    (base / FILE).write_bytes(content)
    for suffix in ("-wal", "-shm"):
        (base / f"{FILE}{suffix}").unlink(missing_ok=True)
    heard = Heard()
    assert names(base, heard) == [name(1)]
    assert len(heard.warnings) == bool(content)  # an empty file is a database with nothing in it
    if content:
        assert (base / f"{FILE}.broken-1").read_bytes() == content
        assert "history.db.broken-1" in heard.warnings[0]
    assert names(base) == [name(1)]


def test_a_file_that_breaks_while_it_answers(base: Path) -> None:
    for number in range(60):
        keep(base, number, cases=[{"id": f"t.py::{i}", "outcome": "passed"} for i in range(100)])
    names(base)
    sqlite3.connect(base / FILE).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    data = bytearray((base / FILE).read_bytes())
    data[-len(data) // 2 :] = b"\xa5" * (len(data) // 2)
    (base / FILE).write_bytes(data)
    heard = Heard()

    def question(store: Store) -> int:
        heads = store.heads()
        return sum(map(len, store.outcomes([head.name for head in heads]).values()))

    assert ask(base, question, heard) == 6000
    assert any("broken" in warning for warning in heard.warnings)


def test_tables_that_are_gone_are_a_broken_file(base: Path) -> None:
    keep(base, 1)
    names(base)
    db = sqlite3.connect(base / FILE)
    db.execute("DROP TABLE results")
    db.close()
    heard = Heard()
    assert ask(base, lambda store: store.record(name(1)), heard) is not None


def test_a_good_file_is_not_set_aside(base: Path) -> None:
    """Another itdash was quicker to mend it."""
    keep(base, 1)
    names(base)
    heard = Heard()
    database._set_aside(base, "it was broken a moment ago", heard)
    assert heard.warnings == []
    assert names(base) == [name(1)]


def test_a_file_of_a_later_itdash_is_left_alone(base: Path) -> None:
    keep(base, 1)
    names(base)
    db = sqlite3.connect(base / FILE)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = (base / FILE).read_bytes()
    heard = Heard()
    assert names(base, heard) == [name(1)]
    assert "later version" in heard.warnings[0]
    assert (base / FILE).read_bytes() == before
    with pytest.raises(StoreError, match="later version"):
        add(base, run(2))


def test_one_run_is_added_also_over_a_broken_file(base: Path) -> None:
    assert add(base, run(1)) == ""
    (base / FILE).write_bytes(b"nothing like it " * 500)
    assert "broken-1" in add(base, run(2))
    assert names(base) == [name(2)]
