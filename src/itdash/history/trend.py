"""Tests that have become slower over the last runs, and how long each usually takes."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.history.shift import adjusted, of_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itdash.history.record import Head
    from itdash.history.store import Seen

RUNS: Final = 60
LEAST: Final = 16
"""Of fewer runs nothing is said."""

_NEWEST: Final = 4  # a quarter of the runs is held against the older half
_RATIO: Final = 1.25
_DIFFERENCE: Final = 5_000_000
_CHANCE: Final = 0.01
_SURE: Final = 0.8


class Trend(NamedTuple):
    """A test that takes longer than it did: medians in nanoseconds, over so many runs."""

    before: int
    after: int
    runs: int
    p: float


def slower(heads: Sequence[Head], outcomes: Mapping[str, Sequence[Seen]]) -> dict[str, Trend]:
    """The tests of the newest run that really became slower, the one that lost most first."""
    if not heads:
        return {}
    alike = {place for place, head in enumerate(heads) if head.kind == heads[0].kind}
    asked: dict[str, tuple[list[int], list[int], float]] = {}
    for name, seen in outcomes.items():
        durations = [
            one.duration
            for one in seen
            if one.place in alike and one.outcome == "passed" and one.attempts == 1
        ]
        if len(durations) >= LEAST:
            now, then = durations[: len(durations) // _NEWEST], durations[len(durations) // 2 :]
            above, p = of_values(then, now)
            asked[name] = (then, now, p if above >= _SURE else 1.0)
    chances = adjusted([p for _, _, p in asked.values()])
    found = {}
    for (name, (then, now, _)), p in zip(asked.items(), chances, strict=True):
        before, after = median(then), median(now)
        if p <= _CHANCE and after >= before * _RATIO and after - before >= _DIFFERENCE:
            found[name] = Trend(round(before), round(after), len(then) + len(now), p)
    return dict(sorted(found.items(), key=lambda item: item[1].before - item[1].after))


def usual(outcomes: Mapping[str, Sequence[Seen]], most: int) -> dict[str, float]:
    """The seconds that each test usually takes: the median of the last runs in which it ran to its end."""
    found = {}
    for name, seen in outcomes.items():
        durations = [one.duration for one in seen if one.attempts and one.outcome not in _UNENDED][:most]
        if durations:
            found[name] = median(durations) / 1e9
    return found


_UNENDED: Final = frozenset({"crashed", "timed out", "interrupted", "not run"})
