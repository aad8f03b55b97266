"""What the kept runs say of one test."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from itdash.events.elsewhere import elsewhere
from itdash.history.past import RUNS_READ, of_test

if TYPE_CHECKING:
    from pathlib import Path

ID = "tests/test_a.py::test_one"


def case(id: str = ID, outcome: str = "passed", duration: float = 0.25, attempts: int = 1) -> dict[str, Any]:
    return {"id": id, "suite": "tests", "outcome": outcome, "attempts": attempts, "duration": duration}


def keep(folder: Path, name: str, *cases: dict[str, Any], started: float = 1.5, **more: Any) -> None:
    run = folder / name
    (run / "segments").mkdir(parents=True)
    summary = {"schema": 1, "run": name, "started": started, "cases": list(cases), **more}
    (run / "summary.json").write_text(json.dumps(summary, separators=(",", ":"), ensure_ascii=False))


def test_newest_first_with_outcome_duration_and_attempts(tmp_path: Path) -> None:
    keep(tmp_path, "20260101-000000-a", case(outcome="failed", duration=2), started=10.5)
    keep(tmp_path, "20260102-000000-b", case(attempts=3), started=20.5)
    newer, older = of_test(tmp_path, ID)
    assert (newer.started, newer.outcome, newer.duration, newer.attempts) == (20.5, "passed", 250_000_000, 3)
    assert (older.run, older.outcome, older.duration) == ("20260101-000000-a", "failed", 2_000_000_000)


def test_runs_that_had_to_go_elsewhere_are_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    base = tmp_path / ".itdash"
    keep(base / "runs", "20260101-000000-a", case())
    elsewhere(base).mkdir(0o700)
    keep(elsewhere(base) / "runs", "20260102-000000-b", case())
    assert [past.run for past in of_test(base / "runs", ID)] == ["20260102-000000-b", "20260101-000000-a"]


def test_runs_that_know_nothing_of_it_are_left_out(tmp_path: Path) -> None:
    keep(tmp_path, "1", case(ID + "_more"), case("x" + ID))
    keep(tmp_path, "2", case(outcome="not run"))
    keep(tmp_path, "3", requirements=[{"id": "4.1", "tests": [{"id": ID, "outcome": "passed"}]}])
    assert list(of_test(tmp_path, ID)) == []


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    keep(tmp_path, "1", case())
    (tmp_path / "2" / "segments").mkdir(parents=True)  # it goes on still
    keep(tmp_path, "3")
    (tmp_path / "3" / "summary.json").write_bytes(f'{{"cases":[{{"id":"{ID}","suite":"te'.encode())
    assert [past.run for past in of_test(tmp_path, ID)] == ["1"]
    assert list(of_test(tmp_path / "nowhere", ID)) == []


def test_no_more_runs_than_twenty_are_read(tmp_path: Path) -> None:
    for number in range(RUNS_READ + 5):
        keep(tmp_path, f"{number:03d}", case())
    assert len(list(of_test(tmp_path, ID))) == RUNS_READ == 20


@pytest.mark.parametrize(
    "nodeid", ["t.py::t[ü 漢字]", 't.py::t["quoted\\"]', "t.py::t[a\nb]", "t.py::t[[x]]"]
)
def test_odd_ids_are_found(tmp_path: Path, nodeid: str) -> None:
    keep(tmp_path, "1", case("t.py::t"), case(nodeid, outcome="failed"))
    assert [past.outcome for past in of_test(tmp_path, nodeid)] == ["failed"]
