"""Replays: what a game wrote down of a match, read to find out who won, and what that does to the ratings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .errors import BadReplay, UnknownMatch
from .ladder import rate

if TYPE_CHECKING:
    import sqlite3

HEADER = "replay 1"
_K = 32
_SCALE = 400


def write_replay(moves: list[tuple[int, int, str]]) -> str:
    """A replay of these moves: the second of the match, the player, and what it did."""
    return "\n".join([HEADER, *(f"{second} {uid} {action}" for second, uid, action in moves)])


def read_replay(text: str) -> dict[str, int]:
    """Who left the match first, and when: that player has lost."""
    lines = text.splitlines()
    if not lines or lines[0] != HEADER:
        raise BadReplay(f"a replay begins with {HEADER!r}, not with {text[:20]!r}")
    before = 0
    for number, line in enumerate(lines[1:], 2):
        try:
            second, uid, action = line.split(" ", 2)
            at, player = int(second), int(uid)
        except ValueError:
            raise BadReplay(f"line {number} is no move: {line[:40]!r}") from None
        if at < before:
            raise BadReplay(f"line {number} goes back in time, from second {before} to {at}")
        before = at
        if action == "leaves":
            return {"loser": player, "seconds": at}
    raise BadReplay(f"nobody leaves in the {len(lines) - 1} moves of this replay")


class ReplayHandler:
    """The job of a replay: reading may take long and may crash; it is applied with the job's completion."""

    def work(self, payload: Any) -> Any:
        match payload:
            case {"match": int(), "replay": str()}:
                pass
            case _:
                raise BadReplay(f"a replay job has a match and a replay, unlike {json.dumps(payload):.60}")
        return {"match": payload["match"], **read_replay(payload["replay"])}

    def apply(self, connection: sqlite3.Connection, result: Any) -> None:
        query = """
            SELECT match.first, match.second, one.mmr, two.mmr FROM match
            JOIN player AS one ON one.uid = match.first JOIN player AS two ON two.uid = match.second
            WHERE match.id = ?
        """
        row = connection.execute(query, (result["match"],)).fetchone()
        if row is None:
            raise UnknownMatch(result["match"])
        first, second, mine, theirs = row
        if result["loser"] not in (first, second):
            raise BadReplay(f"player {result['loser']} left match {result['match']}, but did not play it")
        expected = 1 / (1 + 10 ** ((theirs - mine) / _SCALE))
        rate(connection, result["match"], round(_K * ((result["loser"] == second) - expected)))


def handlers() -> dict[str, ReplayHandler]:
    """What a fleet knows to do, unless it is told otherwise."""
    return {"replay": ReplayHandler()}
