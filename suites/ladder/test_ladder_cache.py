"""The leaderboard's cache: invalid after what changes the board, valid after all else, and worth having."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from gameladder.database import Database
from gameladder.errors import LadderError
from gameladder.ladder import Ladder, rate
from gameladder.leaderboard import CacheState, Leaderboard, Row
from gameladder.replays import handlers
from gameladder.worker import Worker
from ladder_support import HANG, play, until

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gameladder.jobqueue import JobQueue


@pytest.fixture
def valid(ladder: Ladder, board: Leaderboard) -> Leaderboard:
    """A board of two players who have met in match 100, and a cache that holds it."""
    play(ladder)
    ladder.add_match(100, 1, 2)
    ladder.add_match(123, 1, 2)
    ladder.update_match_mmr_change(100, 10)
    board.rows()
    assert board.state() is CacheState.VALID
    return board


@pytest.mark.requirement("LADDER-CACHE-1", "LADDER-TESTS-5")
def test_match_completion_flow_invalidates_cache(valid: Leaderboard, ladder: Ladder) -> None:
    ladder.update_match_mmr_change(match_id=123, mmr_change=16)

    assert valid.state() is CacheState.INVALID
    assert valid.rows() == (Row(1, 1, "Ada", "GB", 1526, 2), Row(2, 2, "Emmy", "DE", 1474, 2))
    assert valid.state() is CacheState.VALID


@pytest.mark.requirement("LADDER-CACHE-2", "LADDER-TESTS-5")
def test_player_info_update_flow_invalidates_cache(valid: Leaderboard, ladder: Ladder) -> None:
    ladder.update_player_info(uid=1, country="CN")

    assert valid.state() is CacheState.INVALID
    assert [row.country for row in valid.rows()] == ["CN", "DE"]

    ladder.update_player_info(uid=2, name="Sofia")

    assert valid.state() is CacheState.INVALID
    assert [row.name for row in valid.rows()] == ["Ada", "Sofia"]


@pytest.mark.requirement("LADDER-CACHE-3", "LADDER-TESTS-5")
@pytest.mark.budget("board.build", "count == 0")
def test_non_mmr_flow_does_not_invalidate_cache(valid: Leaderboard, ladder: Ladder) -> None:
    before = valid.rows()

    ladder.update_player_preferences(uid=1, last_chosen_races=["T"])

    assert valid.state() is CacheState.VALID
    assert valid.rows() is before
    assert ladder.races(1) == ["T"]


def _replay(ladder: Ladder, queue: JobQueue) -> None:
    ladder.add_match(7, 1, 2)
    queue.add("replay", {"match": 7, "replay": "replay 1\n9 2 leaves"})
    assert Worker(queue, handlers()).run_once() == 1


MOVES: dict[str, tuple[Callable[[Ladder, JobQueue], None], list[tuple[int, int]]]] = {
    "a result": (lambda ladder, _: ladder.update_match_mmr_change(123, 16), [(1526, 2), (1474, 2)]),
    "a result of nothing": (lambda ladder, _: ladder.update_match_mmr_change(123, 0), [(1510, 2), (1490, 2)]),
    "a correction": (lambda ladder, _: ladder.update_match_mmr_change(100, -12), [(1512, 1), (1488, 1)]),
    "a reversal": (lambda ladder, _: ladder.revert_match(100), []),
    "a replay": (_replay, [(1525, 2), (1475, 2)]),
}
"""What can move a rating, and the ratings and games that the board shows afterwards."""


@pytest.mark.requirement("LADDER-CACHE-4")
@pytest.mark.parametrize(("move", "shown"), MOVES.values(), ids=MOVES)
def test_whatever_moves_a_rating_invalidates(
    valid: Leaderboard,
    ladder: Ladder,
    queue: JobQueue,
    move: Callable[[Ladder, JobQueue], None],
    shown: list[tuple[int, int]],
) -> None:
    move(ladder, queue)
    assert valid.state() is CacheState.INVALID
    assert [(row.mmr, row.games) for row in valid.rows()] == shown


@pytest.mark.requirement("LADDER-CACHE-3")
@pytest.mark.budget("board.build", "count == 0")
def test_writes_that_change_nothing_leave_the_cache(
    valid: Leaderboard, ladder: Ladder, queue: JobQueue
) -> None:
    ladder.update_match_mmr_change(100, 10)  # as it was
    ladder.update_player_info(1, name="Ada", country="GB")
    ladder.revert_match(123)  # it has not ended yet
    ladder.add_player(3, "Ida", "US")
    ladder.update_player_info(3, country="CN")  # not on the board without a match
    ladder.add_match(200, 1, 3)
    queue.add("replay", {"match": 200})
    with pytest.raises(LadderError):
        ladder.update_match_mmr_change(999, 10)

    assert valid.state() is CacheState.VALID
    assert [row.name for row in valid.rows()] == ["Ada", "Emmy"]


@pytest.mark.requirement("LADDER-CACHE-3", "LADDER-CACHE-4")
def test_write_and_invalidation_are_one(valid: Leaderboard, database: Database) -> None:
    with pytest.raises(KeyError), database.writing() as connection:
        rate(connection, 123, 16)
        raise KeyError("something else went wrong")
    assert valid.state() is CacheState.VALID
    assert valid.rows()[0].mmr == 1510


@pytest.mark.requirement("LADDER-CACHE-4")
def test_write_while_the_board_is_built_is_not_missed(
    path: Path, valid: Leaderboard, ladder: Ladder, database: Database
) -> None:
    """Another connection writes in the moment before the rows are read."""
    ladder.update_match_mmr_change(123, 16)
    with Database(path) as other:
        rivals = [17]

        def write_first(statement: str) -> None:
            if "FROM player" in statement and rivals:
                Ladder(other).update_match_mmr_change(123, rivals.pop())

        with database.reading() as connection:
            connection.set_trace_callback(write_first)
        valid.rows()
        with database.reading() as connection:
            connection.set_trace_callback(None)

    assert not rivals
    assert valid.state() is CacheState.INVALID
    assert valid.rows()[0].mmr == 1527


@pytest.mark.requirement("LADDER-CACHE-5")
@pytest.mark.budget("reader", "count == 8", "peak == 8", "errors == 0")
@pytest.mark.budget("board.build", "count == 1")
def test_eight_readers_build_the_board_once(ladder: Ladder, board: Leaderboard, database: Database) -> None:
    play(ladder)
    ladder.update_match_mmr_change(1, 16)
    asking: list[None] = []
    boards: list[tuple[Row, ...]] = []

    def read() -> None:
        with probe.operation("reader"):
            probe.together("readers", 8, timeout=HANG).wait()
            asking.append(None)
            boards.append(board.rows())

    readers = [threading.Thread(target=read) for _ in range(8)]
    with database.reading():  # so nobody has built it before all are there to ask
        for reader in readers:
            reader.start()
        until(lambda: len(asking) == 8, "all readers ask")
    for reader in readers:
        reader.join(HANG)
    assert len(boards) == 8
    assert all(rows is boards[0] for rows in boards)


@pytest.mark.requirement("LADDER-CACHE-5")
@pytest.mark.budget("board.warm", 'p50 <= 0.1 * p50 of "board.cold"', "p95 < 5ms")
@pytest.mark.budget("board.build", "count == 20")
def test_board_from_memory_is_ten_times_quicker(
    ladder: Ladder, board: Leaderboard, database: Database
) -> None:
    play(ladder, matches=20)
    with database.writing() as connection:
        connection.executemany(
            "INSERT INTO player (uid, name, country, mmr, games) VALUES (?, ?, 'CN', ?, 1)",
            [(uid, f"player {uid}", 1000 + uid % 1000) for uid in range(100, 2_100)],
        )
    for match in range(1, 21):
        ladder.update_match_mmr_change(match, 16)
        with probe.operation("board.cold"):
            built = board.rows()
        for _ in range(10):
            with probe.operation("board.warm"):
                assert board.rows() is built
    assert len(built) == 2_002
