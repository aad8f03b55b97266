"""Players and matches, and for every write a note in the same transaction of what kind it was."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from .checks import whole
from .errors import AlreadyThere, InvalidValue, UnknownMatch, UnknownPlayer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from .database import Database

RACES: Final = frozenset({"T", "Z", "P", "R"})
LARGEST_CHANGE: Final = 400
_LARGEST_ID: Final = 2**63 - 1
_LONGEST_NAME: Final = 32


class Write(StrEnum):
    """The kinds of writes that others may want to know of."""

    RATING = "rating"
    PROFILE = "profile"
    PREFERENCES = "preferences"


def note(connection: sqlite3.Connection, kind: Write) -> None:
    """Count a write of this kind: whoever commits the write has told of it, whoever rolls it back has not."""
    connection.execute(
        "INSERT INTO written VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET times = times + 1", (kind,)
    )


class Ladder:
    """What the rest of a game would call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_player(self, uid: int, name: str, country: str) -> None:
        """A player without a match is not on the board yet, so this changes nothing that is shown."""
        whole("uid", uid, 1, _LARGEST_ID)
        values = (uid, _name(name), _country(country))
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM player WHERE uid = ?", (uid,)).fetchone():
                raise AlreadyThere(f"there is a player {uid} already")
            connection.execute("INSERT INTO player (uid, name, country) VALUES (?, ?, ?)", values)

    def add_match(self, match_id: int, first: int, second: int) -> None:
        """A match that is being played."""
        whole("match_id", match_id, 1, _LARGEST_ID)
        if first == second:
            raise InvalidValue(f"player {first} cannot play against itself")
        with self._database.writing() as connection:
            for uid in (first, second):
                if not connection.execute("SELECT 1 FROM player WHERE uid = ?", (uid,)).fetchone():
                    raise UnknownPlayer(uid)
            if connection.execute("SELECT 1 FROM match WHERE id = ?", (match_id,)).fetchone():
                raise AlreadyThere(f"there is a match {match_id} already")
            connection.execute(
                "INSERT INTO match (id, first, second) VALUES (?, ?, ?)", (match_id, first, second)
            )

    def update_match_mmr_change(self, match_id: int, mmr_change: int) -> None:
        """What the first player won and the second lost; a later call corrects an earlier one."""
        whole("mmr_change", mmr_change, -LARGEST_CHANGE, LARGEST_CHANGE)
        with self._database.writing() as connection:
            rate(connection, match_id, mmr_change)

    def revert_match(self, match_id: int) -> None:
        """The match does not count, as if it had never ended."""
        with self._database.writing() as connection:
            rate(connection, match_id, None)

    def update_player_info(self, uid: int, *, name: str | None = None, country: str | None = None) -> None:
        """What the board shows beside the rating."""
        if name is not None:
            _name(name)
        if country is not None:
            _country(country)
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT name, country, games FROM player WHERE uid = ?", (uid,)
            ).fetchone()
            if row is None:
                raise UnknownPlayer(uid)
            new = (name or row[0], country or row[1])
            if new == row[:2]:
                return
            connection.execute("UPDATE player SET name = ?, country = ? WHERE uid = ?", (*new, uid))
            if row[2]:  # a player without a match stands on no board
                note(connection, Write.PROFILE)

    def update_player_preferences(self, uid: int, *, last_chosen_races: Sequence[str]) -> None:
        """What only the player itself gets to see."""
        if isinstance(last_chosen_races, str) or not RACES.issuperset(last_chosen_races):
            raise InvalidValue(
                f"races must be a list of {', '.join(sorted(RACES))}, not {last_chosen_races!r}"
            )
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE player SET last_chosen_races = ? WHERE uid = ?",
                (json.dumps(list(last_chosen_races)), uid),
            )
            if changed.rowcount == 0:
                raise UnknownPlayer(uid)
            note(connection, Write.PREFERENCES)

    def races(self, uid: int) -> list[str]:
        """What the player chose last."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT last_chosen_races FROM player WHERE uid = ?", (uid,)).fetchone()
        if row is None:
            raise UnknownPlayer(uid)
        races: list[str] = json.loads(row[0])
        return races


def rate(connection: sqlite3.Connection, match_id: int, change: int | None) -> None:
    """Set what a match moves, inside somebody's transaction; the one place that changes a rating."""
    row = connection.execute(
        "SELECT first, second, mmr_change FROM match WHERE id = ?", (match_id,)
    ).fetchone()
    if row is None:
        raise UnknownMatch(match_id)
    first, second, before = row
    if before == change:
        return
    moved = (change or 0) - (before or 0)
    games = (change is not None) - (before is not None)
    for uid, won in ((first, moved), (second, -moved)):
        connection.execute(
            "UPDATE player SET mmr = mmr + ?, games = games + ? WHERE uid = ?", (won, games, uid)
        )
    connection.execute("UPDATE match SET mmr_change = ? WHERE id = ?", (change, match_id))
    note(connection, Write.RATING)


def _name(name: str) -> str:
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or not 0 < len(name.strip()) <= len(name) <= _LONGEST_NAME
    ):
        raise InvalidValue(f"a name has 1 to {_LONGEST_NAME} printable characters, unlike {name!r:.80}")
    return name


def _country(country: str) -> str:
    if not isinstance(country, str) or not (len(country) == 2 and country.isascii() and country.isupper()):
        raise InvalidValue(f"a country is two capital letters, as in 'CN', not {country!r:.80}")
    return country
