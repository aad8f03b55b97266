"""The leaderboard and its cache, which is valid until a write changes what it shows."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from itdash import probe

from .ladder import Write

if TYPE_CHECKING:
    import sqlite3

    from .database import Database

SHOWN: Final = (Write.RATING, Write.PROFILE)
"""The kinds of writes that change what the board shows. All others leave the cache alone."""

_MARKS: Final = ", ".join("?" for _ in SHOWN)


class CacheState(Enum):
    """Whether the rows in the cache are those that the database would give now."""

    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the board."""

    rank: int
    uid: int
    name: str
    country: str
    mmr: int
    games: int


@dataclass(frozen=True, slots=True)
class _Snapshot:
    writes: int
    rows: tuple[Row, ...]


class Leaderboard:
    """Rows in memory, and the number of writes they include.

    Nobody has to call an invalidation, so nobody can forget it or die before it: the writes count themselves,
    in their own transactions, and any process that reads the board compares one number.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot: _Snapshot | None = None
        self._building = threading.Lock()

    def state(self) -> CacheState:
        """Whether the next reader gets the rows from memory."""
        return CacheState.VALID if self._valid() is not None else CacheState.INVALID

    def rows(self) -> tuple[Row, ...]:
        """The board as it is now, from memory if it can be."""
        with probe.operation("board.read"):
            if (snapshot := self._valid()) is None:
                with self._building:  # the others wait for the one who builds, and find its rows
                    snapshot = self._valid() or self._build()
            return snapshot.rows

    def _valid(self) -> _Snapshot | None:
        snapshot = self._snapshot
        if snapshot is None:
            return None
        with self._database.reading() as connection:
            return snapshot if snapshot.writes == _writes(connection) else None

    def _build(self) -> _Snapshot:
        # Number and rows come from one transaction: a write between the two would be missed for ever.
        with probe.operation("board.build"), self._database.reading() as connection:
            writes = _writes(connection)
            players = connection.execute(
                "SELECT uid, name, country, mmr, games FROM player WHERE games > 0 ORDER BY mmr DESC, uid"
            )
            rows = tuple(Row(rank, *player) for rank, player in enumerate(players, 1))
        self._snapshot = _Snapshot(writes, rows)
        return self._snapshot


def _writes(connection: sqlite3.Connection) -> int:
    query = f"SELECT coalesce(sum(times), 0) FROM written WHERE kind IN ({_MARKS})"
    writes: int = connection.execute(query, SHOWN).fetchone()[0]
    return writes
