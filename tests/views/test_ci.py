"""The lines that a recorded run prints."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from itdash.events import model
from itdash.events.journal import replay
from itdash.render.paint import Paint
from itdash.runner.execution import Reading
from itdash.state import fold
from itdash.state.run import RunState
from itdash.views.ci import CiView

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printed(
    events: list[model.AnyEvent], *, ascii_only: bool = False, colour: bool = False, step: int = 1
) -> str:
    """Everything that a run with these events prints."""
    stream = io.StringIO()
    view = CiView(stream, Paint(colour, ascii_only), slowest=3, failures_shown=50, live=False)
    state = RunState()
    view.begin(state, Path("/project/.itdash/runs/20260101-120000-cafe"))
    for start in range(0, len(events), step):
        batch = events[start : start + step]
        fold.apply_all(state, batch)
        view.show(state, batch, state.t)
    view.end(state, Path("/project/.itdash/runs/20260101-120000-cafe"), Reading(0, 0))
    return stream.getvalue()


@pytest.mark.parametrize("ascii_only", [False, True], ids=["glyphs", "ascii"])
def test_what_a_recorded_run_prints(journal: Path, snapshot: SnapshotAssertion, ascii_only: bool) -> None:
    text = printed(replay(journal)[0], ascii_only=ascii_only)
    assert not CONTROLS.search(text)
    assert text.isascii() or not ascii_only or "ünï" in text
    assert text == snapshot


def test_colour_changes_no_words(journal: Path) -> None:
    events = replay(journal)[0]
    plain = re.sub(r"\x1b\[[\d;]*m", "", printed(events, colour=True))
    assert plain == printed(events)


def test_every_failure_is_told_once_as_it_happens_and_once_at_the_end(journal: Path) -> None:
    events = replay(journal)[0]
    text = printed(events)
    for nodeid in fold.replay(events).failing:
        assert text.count(f" {nodeid.replace(chr(27), '')} ") + text.count(f" {nodeid}  ") >= 2


def test_a_recording_without_an_end_prints_what_there_is(journal: Path) -> None:
    events = replay(journal)[0]
    for cut in range(0, len(events), 7):
        printed(events[:cut])


def big_run(tests: int, every: int) -> list[model.AnyEvent]:
    """A run of many tests that takes ten minutes, with a failure now and then."""
    rows = tuple(model.CollectedCase(f"tests/test_{n // 50}.py::test_{n}") for n in range(tests))
    events: list[model.AnyEvent] = [model.CasesCollected(1, 0, rows), model.CollectionFinished(2, tests)]
    step = 600_000_000_000 // tests
    for n in range(tests):
        t = (n + 1) * step
        outcome = "failed" if n % every == 0 else "passed"
        events += [
            model.CaseStarted(t, n),
            model.StageFinished(t + 1, n, "call", outcome, 1, outcome),
            model.CaseFinished(t + 2, n),
        ]
    return [*events, model.RunFinished(600_000_000_001, "failed", 1)]


def test_a_long_run_is_told_at_a_human_pace() -> None:
    text = printed(big_run(5_000, 10_000), step=3)
    assert text.count("/5,000") < 30


def test_many_failures_are_cut_with_a_word() -> None:
    text = printed(big_run(500, 2), step=100)
    assert text.count("── tests/") == 50
    assert "... and 200 more failures" in text
