"""The lines of `itdash runs`, and what ends a run in the history."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from history_support import name, run, test

from itdash.events.journal import replay
from itdash.history.database import ask
from itdash.history.reading import of_state
from itdash.history.store import FILE, Store
from itdash.render.paint import Paint
from itdash.runner.execution import Reading
from itdash.state import fold
from itdash.views import runs
from itdash.views.history import NotKept, Recorder

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Paint(False, False)


def test_a_line_says_all_and_stays_one_line() -> None:
    head = run(1, branch="x\x1b[31m\n" + "y" * 80, commit="c" * 40, verdict="failed",
               counts={"passed": 5, "failed": 2}, command=("launch", "-k", "a b\n")).head  # fmt: skip
    (line,) = runs.rows([head], {name(1)}, name(1), PLAIN)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "5 passed 2 failed" in line
    assert "cccccccc" in line
    assert line.endswith("-k 'a b ' baseline")
    (pruned,) = runs.rows([head], set(), "", PLAIN)
    assert " pruned  " in pruned


@pytest.mark.parametrize("started", [0.0, -1e18, 1e300, float("nan")])
def test_a_moment_that_is_none_is_blank(started: float) -> None:
    assert runs.moment(started).strip() == ""


def test_bars_of_a_past_are_to_scale() -> None:
    with Store.in_memory() as store:
        store.add([run(n, {"a": test("passed", duration=n * 10**7)}) for n in (1, 2)])
        newest, oldest = runs.past_rows(runs.past(store, "a"), PLAIN)
        assert runs.past(store, "nothing") == runs.Past("nothing", (), ())
    assert newest.count("█") == 20
    assert oldest.count("█") == 10


def test_the_recorder_adds_the_run_that_ends(journal: Path, tmp_path: Path) -> None:
    state = fold.replay(replay(journal)[0])
    folder = tmp_path / "runs" / "20260101-120000-cafe"
    recorder = Recorder()
    recorder.begin(state, folder)
    recorder.show(state, (), 0)
    folder.mkdir(parents=True)
    recorder.end(state, folder, Reading(0, 0))
    found = ask(tmp_path, lambda store: store.record(folder.name))
    assert found == of_state(state, folder.name)


def test_what_the_recorder_cannot_do_is_an_error_of_the_disk(journal: Path, tmp_path: Path) -> None:
    """Whoever ends a run goes on after those."""
    state = fold.replay(replay(journal)[0])
    folder = tmp_path / "runs" / "1"
    folder.mkdir(parents=True)
    (tmp_path / FILE).mkdir()
    with pytest.raises(OSError, match="the run is not in the history"):
        Recorder().end(state, folder, Reading(0, 0))
    os.rmdir(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(b"nothing like it " * 100)
    with pytest.raises(NotKept, match="broken-1"):
        Recorder().end(state, folder, Reading(0, 0))
    assert ask(tmp_path, lambda store: store.count()) == 1
