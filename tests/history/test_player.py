"""A recorded run at any moment: the same state, on whatever way one came there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.events import model, wire
from itdash.history import recorded
from itdash.history.player import NoSuchMoment, Player, duration
from itdash.state import fold
from itdash.views.summary import summary

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.state.run import RunState


def told(state: RunState) -> object:
    """All that is known of a run."""
    return msgspec.json.decode(wire.encode_value(summary(state, 0, 0)))


def a_run(tests: int = 4) -> list[model.AnyEvent]:
    """So many tests, one after the other, the odd ones fail."""
    rows = tuple(model.CollectedCase(f"t.py::test_{n}") for n in range(tests))
    events: list[model.AnyEvent] = [model.CasesCollected(5, 0, rows)]
    for n in range(tests):
        word = "failed" if n % 2 else "passed"
        start = (n + 1) * 100
        events += [
            model.CaseStarted(start, n),
            model.StageFinished(start + 20, n, "call", word, 20, word),
            model.CaseFinished(start + 50, n),
        ]
    return [*events, model.RunFinished(tests * 100 + 100, "failed", 1)]


def test_the_end_of_a_replay_is_the_run(journal: Path) -> None:
    found = recorded.read(journal)
    player = Player(found.events)
    while not player.over:
        player.to(player.at + max(1, player.length // 7))
    assert told(player.state) == told(found.state)


@settings(deadline=None)
@given(moments=st.lists(st.integers(-10, 700), min_size=1, max_size=8))
def test_every_way_to_a_moment_leads_to_the_same_state(moments: list[int]) -> None:
    events = a_run()
    player = Player(events)
    for moment in moments:
        player.to(moment)
    last = moments[-1]
    assert told(player.state) == told(fold.replay([event for event in events if event.t <= last]))
    assert player.at == min(max(0, last), player.length)


def test_a_way_back_gives_another_state_and_all_its_events_again() -> None:
    player = Player(a_run())
    player.to(400)
    late = player.state
    taken = player.to(150)
    assert player.state is not late
    assert [event.t for event in taken] == [5, 100, 120, 150]
    assert late.finished_cases == 3, "who still looks at the later state sees it whole"


def test_steps_go_from_test_to_test() -> None:
    player = Player(a_run(2))
    seen = []
    while not player.over:
        player.to(player.after())
        seen.append(player.at)
    assert seen == [100, 150, 200, 250, 300]
    back = []
    while player.at:
        player.to(player.before())
        back.append(player.at)
    assert back == [250, 200, 150, 100, 0]


def test_a_test_is_found_by_its_id_or_by_a_part_of_it() -> None:
    player = Player(a_run(12))
    assert player.start_of("test_1") == 200
    assert player.start_of("t.py::test_1") == 200
    assert player.start_of("t.py::test_11") == 1200
    with pytest.raises(NoSuchMoment, match="nowhere"):
        player.start_of("nowhere")


def test_nothing_can_be_played_too() -> None:
    player = Player([])
    assert player.over
    assert player.length == player.after() == player.before() == 0
    assert list(player.to(100)) == []


@pytest.mark.parametrize(
    ("text", "ns"),
    [("1.5", 1_500_000_000), ("2s", 2_000_000_000), ("250ms", 250_000_000), ("2m", 120_000_000_000)],
)
def test_times(text: str, ns: int) -> None:
    assert duration(text) == ns


@pytest.mark.parametrize("text", ["", "s", "test_1s", "-1", "nan", "inf", "1e400", "1h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text)
