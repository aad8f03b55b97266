"""Durations of two runs held against each other: what is slower, what is faster, and what is noise.

One run measures an operation many times, but one machine at one moment only: all its samples are slow
together when the machine is busy. So a shift must be there in the ranks, at the fast end as in the middle,
beyond what earlier runs differ from each other, and beyond what all operations of the run have in common.
"""

from __future__ import annotations

from math import exp, log
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.history.shift import adjusted, of_histograms, of_values, spread
from itdash.measure.latency import Histogram
from itdash.state.comparison import Shift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itdash.history.compare import Past
    from itdash.history.record import Record
    from itdash.history.shift import Ranks
    from itdash.history.store import Seen
    from itdash.state.comparison import Judged

_QUANTILES: Final = (0.1, 0.25, 0.5)
_SAMPLES: Final = 10
_RATIO: Final = 1.15
_RATIO_UNKNOWN: Final = 1.25
"""By so much an operation must be slower; by more where too few earlier runs tell how they differ."""

_KNOWN: Final = 5
_USUAL: Final = 5
"""The baseline and the runs just before it: one of them may have met a busy machine."""

_SPREADS: Final = 3.0
_LEAST: Final = 1_000
_EFFECT: Final = 0.65
_CHANCE: Final = 0.01
_OTHERS: Final = 3
_COMMON: Final = 1.1
_TESTS_EARLIER, _TESTS_LATER = 8, 3
_TEST_LEAST: Final = 5_000_000
_TEST_EFFECT: Final = 0.8
_FAR_OFF: Final = 2.0
_FAR_OFF_LEAST: Final = 100_000_000


class Found(NamedTuple):
    """The shifts that are worth a line, notes on all of them, and how many tests had too few runs."""

    found: tuple[Shift, ...] = ()
    notes: tuple[str, ...] = ()
    not_enough: int = 0


NOTHING: Final = Found()


class _Latency(NamedTuple):
    """An operation before, in the last runs together, and after; `up` and `down` are how many times its usual
    quantiles those of all later runs are at least and at most.
    """

    name: str
    before: Histogram
    after: Histogram
    earlier: Sequence[Histogram]
    ranks: Ranks
    up: tuple[float, ...]
    down: tuple[float, ...]


def operations(base: Record, run: Record, past: Past) -> Found:
    """Every operation that both runs know and that differs in any way."""
    asked: list[_Latency] = []
    too_few: list[Shift] = []
    for name, one in run.operations.items():
        if name not in base.operations:
            continue
        before, after = base.operations[name].latency, one.latency
        if min(before.count, after.count) < _SAMPLES:
            why = f"{min(before.count, after.count)} samples, {_SAMPLES} are needed"
            too_few.append(
                Shift(name, "too few", before.quantile(0.5), after.quantile(0.5), before.count, after.count,
                      why=why)
            )  # fmt: skip
            continue
        earlier = [latency for _, latency, _ in past.latencies.get(name, ()) if latency.count >= _SAMPLES]
        later = [latency for _, latency, _ in past.later_latencies.get(name, ()) if latency.count >= _SAMPLES]
        asked.append(_latency(name, before, after, earlier, later))
    chances = adjusted([one.ranks.p for one in asked])
    found = [_judged(one, p, asked) for one, p in zip(asked, chances, strict=True)]
    return Found((*filter(None, found), *too_few), _common(asked))


def _latency(
    name: str, before: Histogram, after: Histogram, earlier: Sequence[Histogram], later: Sequence[Histogram]
) -> _Latency:
    up, down = [], []
    nearest = earlier[:_USUAL] or [before]
    pooled = Histogram()
    for one in nearest:
        pooled.merge(one)
    for q in _QUANTILES:
        usual = median([one.quantile(q) or 0 for one in nearest]) or 1
        values = [one.quantile(q) or 0 for one in (later or [after])]
        up.append(max(min(values), 1) / usual)
        down.append(max(*values, 1) / usual)
    return _Latency(name, pooled, after, earlier, of_histograms(pooled, after), tuple(up), tuple(down))


def _judged(latency: _Latency, p: float, every: Sequence[_Latency]) -> Shift | None:
    least = _least(latency)
    before, after = latency.before.quantile(0.5) or 0, latency.after.quantile(0.5) or 0
    slow, fast = _is_slower(latency, latency.up, least), _reaches(latency.down, least, above=False)
    sure = p <= _CHANCE and abs(after - before) >= _LEAST
    shared = _together(latency, every)
    judged: Judged = "noise"
    if sure and slow and latency.ranks.above >= _EFFECT:
        judged = "slower" if _is_slower(latency, _alone(latency.up, shared, max), least) else "noise"
    elif sure and fast and latency.ranks.above <= 1 - _EFFECT:
        alone = _alone(latency.down, shared, min)
        judged = "faster" if _reaches(alone, least, above=False) else "noise"
    if judged == "noise" and not (before and abs(log(max(after, 1) / before)) >= log(_COMMON)):
        return None
    why = _why(latency, p, least, slow or fast) if judged == "noise" else ""
    return Shift(
        latency.name, judged, before, after, latency.before.count, latency.after.count, len(latency.earlier),
        latency.ranks.above, p, why,
    )  # fmt: skip


def _alone(
    ratios: Sequence[float], shared: Sequence[float], bound: Callable[[float, float], float]
) -> list[float]:
    """The ratios without what the other operations share, which excuses and never accuses."""
    return [one / bound(1.0, all) for one, all in zip(ratios, shared, strict=True)]


def _is_slower(latency: _Latency, ratios: Sequence[float], least: float) -> bool:
    """Whether all of it is slower, or all but the fastest by more than a busy machine explains."""
    if _reaches(ratios, least, above=True):
        return True
    most = max([one.quantile(_QUANTILES[-1]) or 0 for one in latency.earlier], default=0)
    return (
        ratios[1] >= least
        and ratios[-1] >= _FAR_OFF
        and (latency.after.quantile(_QUANTILES[-1]) or 0) >= most * _RATIO
    )


def _least(latency: _Latency) -> float:
    """How many times as long it must take: more than earlier runs differ from each other by nature."""
    if len(latency.earlier) < _KNOWN:
        return _RATIO_UNKNOWN
    usual = [max(one.quantile(_QUANTILES[1]) or 0, 1) for one in latency.earlier]
    return max(_RATIO, exp(_SPREADS * spread(usual)))


def _together(latency: _Latency, every: Sequence[_Latency]) -> list[float]:
    """How many times as long the other operations of the run take, but no more than this one ever did."""
    others = [one for one in every if one is not latency]
    if len(others) < _OTHERS:
        return [1.0] * len(_QUANTILES)
    found = []
    for place, q in enumerate(_QUANTILES):
        shared = median([one.up[place] for one in others])
        known = [one.quantile(q) or 0 for one in latency.earlier]
        if len(known) >= _KNOWN * 2:
            most = max(known) / max(median(known), 1)
            shared = min(shared, max(most, 1.0))
        found.append(shared)
    return found


def _reaches(ratios: Sequence[float], least: float, *, above: bool) -> bool:
    """Whether the fast end of the samples shifted as far as that, and the middle at least half as far."""
    half = 1 + (least - 1) / 2
    bounds = [least] * (len(ratios) - 1) + [half]
    if above:
        return all(ratio >= bound for ratio, bound in zip(ratios, bounds, strict=True))
    return all(ratio <= 1 / bound for ratio, bound in zip(ratios, bounds, strict=True))


def _why(latency: _Latency, p: float, least: float, beyond: bool) -> str:
    """Why a difference of the medians says nothing."""
    if p > _CHANCE:
        return "chance makes ranks like these"
    if beyond:
        return "the other operations of the run shifted as much"
    if max(latency.up) >= least or min(latency.down) <= 1 / least:
        return "only a part of the samples shifted, as on a busy machine"
    if len(latency.earlier) < _KNOWN:
        return f"less than {least - 1:.0%}, and too few earlier runs tell how they differ"
    return f"earlier runs differ by {least - 1:.0%}" if least > _RATIO else f"less than {least - 1:.0%}"


def _common(every: Sequence[_Latency]) -> tuple[str, ...]:
    """What is to be said when all operations shifted together."""
    if len(every) <= _OTHERS:
        return ()
    ratio = median([one.up[-1] for one in every])
    if max(ratio, 1 / ratio) < _RATIO:
        return ()
    word = "slower" if ratio > 1 else "faster"
    factor = max(ratio, 1 / ratio)
    return (
        f"most operations are {word} together, by a factor of {factor:.2f}: this looks like the machine, not"
        " the code; another run would tell",
    )


# -- tests --


def judgeable(run: Record, runs: int) -> list[str]:
    """The tests of a run whose durations can be judged, with so many runs of the same code."""
    return [
        name
        for name, test in run.tests.items()
        if test.outcome == "passed" and (runs >= _TESTS_LATER or test.duration >= _FAR_OFF_LEAST)
    ]


def tests(base: Record, run: Record, past: Past) -> Found:
    """The tests that really take another time: several runs on both sides are needed to say so."""
    found: list[Shift] = []
    asked: list[tuple[str, list[int], list[int], Ranks]] = []
    not_enough = 0
    for name, test in run.tests.items():
        if name not in base.tests or test.outcome != "passed" or base.tests[name].outcome != "passed":
            continue
        then, now = _durations(past.durations.get(name, ())), _durations(past.later_durations.get(name, ()))
        if len(then) >= _TESTS_EARLIER and len(now) >= _TESTS_LATER:
            asked.append((name, then, now, of_values(then, now)))
        elif len(then) >= _TESTS_EARLIER and _is_far_off(test.duration, then):
            why = f"more than {_FAR_OFF:g} times the longest of {len(then)} earlier runs, once"
            found.append(Shift(name, "unusual", round(median(then)), test.duration, len(then), 1, len(then),
                               why=why))  # fmt: skip
        else:
            not_enough += 1
    chances = adjusted([ranks.p for *_, ranks in asked])
    for (name, then, now, ranks), p in zip(asked, chances, strict=True):
        shift = _shift(name, then, now, ranks, p)
        if shift is not None:
            found.append(shift)
    return Found(tuple(found), (), not_enough)


def _durations(seen: Sequence[Seen]) -> list[int]:
    return [max(one.duration, 1) for one in seen if one.outcome == "passed" and one.attempts == 1]


def _is_far_off(duration: int, then: Sequence[int]) -> bool:
    return duration >= _FAR_OFF * max(then) and duration - max(then) >= _FAR_OFF_LEAST


def _shift(name: str, then: list[int], now: list[int], ranks: Ranks, p: float) -> Shift | None:
    before, after = median(then), median(now)
    least = max(_RATIO, exp(_SPREADS * spread(then)))
    judged: Judged = "noise"
    if p <= _CHANCE and abs(after - before) >= _TEST_LEAST:
        if ranks.above >= _TEST_EFFECT and min(now) >= before * least:
            judged = "slower"
        elif ranks.above <= 1 - _TEST_EFFECT and max(now) <= before / least:
            judged = "faster"
    if judged == "noise":
        return None
    return Shift(name, judged, round(before), round(after), len(then), len(now), len(then), ranks.above, p)
