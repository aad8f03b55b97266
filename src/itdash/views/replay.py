"""A recorded run played as lines: what a log of it would have said, at a pace that the reader chooses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from itdash.runner.execution import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itdash.history.player import Player
    from itdash.history.recorded import Recorded
    from itdash.session import View

_STEP: Final = 50_000_000
"""So much of the run is shown at once, as a live run is looked at."""


def play(
    recorded: Recorded, player: Player, view: View, folder: Path, place: Path, speed: float, start: int = 0,
    sleep: Callable[[float], None] = time.sleep, clock: Callable[[], int] = time.perf_counter_ns,
) -> None:  # fmt: skip
    """Show the run from `start` on, `speed` times as fast as it was; 0 does not wait at all.

    What was before `start` is told at once; `place` is where the reader finds the recording.
    """
    view.begin(player.state, folder)
    begun = clock()
    view.show(player.state, player.to(start), start)
    while not player.over:
        moment = player.at + _STEP
        if speed:
            behind = clock() - begun
            ahead = int((moment - start) / speed) - behind
            if ahead > 0:
                sleep(ahead / 1e9)
        view.show(player.state, player.to(min(moment, player.length)), min(moment, player.length))
    view.end(player.state, place, Reading(recorded.bytes, recorded.unread))
