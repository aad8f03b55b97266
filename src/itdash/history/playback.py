"""A recording that plays by a clock: held, faster or slower, from moment to moment."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itdash.events.model import AnyEvent
    from itdash.history.player import Player

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 25.0, 100.0)


class Playback:
    """Where a player should be now."""

    def __init__(
        self, player: Player, speed: float = 1.0, start: int = 0, clock: Callable[[], int] = perf_counter_ns
    ) -> None:
        self.player, self.speed, self.playing = player, speed, True
        self._clock = clock
        self._from, self._since = start, clock()

    def advance(self) -> Sequence[AnyEvent]:
        """Take in what has happened since; at the end it holds."""
        taken = self.player.to(self._now())
        if self.player.over and self.playing:
            self._put(self.player.length, playing=False)
        return taken

    def hold(self) -> None:
        """Stand still, or go on; from the end it begins anew."""
        if self.playing:
            self._put(self._now(), playing=False)
        else:
            self._put(0 if self.player.over else self._from, playing=True)

    def faster(self, up: bool) -> None:
        """To the next speed."""
        now = self._now()
        others = [speed for speed in SPEEDS if (speed > self.speed if up else speed < self.speed)]
        if others:
            self.speed = min(others) if up else max(others)
        self._put(now, self.playing)

    def step(self, forward: bool) -> None:
        """Stand still where the next test begins or ends, or the one before."""
        self.player.to(self._now())
        self._put(self.player.after() if forward else self.player.before(), playing=False)

    def skip(self, by: int) -> None:
        """So many nanoseconds on, or back."""
        self.go_to(self._now() + by)

    def go_to(self, t: int) -> None:
        """To a moment; from there it plays on if it played."""
        self._put(t, self.playing)

    def _now(self) -> int:
        if not self.playing:
            return self._from
        passed = int((self._clock() - self._since) * self.speed)
        return min(self._from + passed, self.player.length)

    def _put(self, t: int, playing: bool) -> None:
        self._from = max(0, min(t, self.player.length))
        self._since, self.playing = self._clock(), playing
