"""Recordings of operations, made up word by word as a process would have written them."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from itdash.events import model, ops
from itdash.events.opsfiles import spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MS = 1_000_000


class Run(NamedTuple):
    """One operation: in which process, from when, how long, how it ended (0: not at all)."""

    source: str
    began: int
    took: int
    outcome: int = ops.OK
    name: str = "read"
    labels: tuple[tuple[str, str], ...] = ()


def words_of(runs: Iterable[Run], worker: str = "") -> array[int]:
    """What a process would have written."""
    words = ops.text_words(0, 0, {"worker": worker})
    runs = list(runs)
    names = {(run.name, run.labels): 0 for run in runs}
    for number, (name, labels) in enumerate(names, 1):
        names[name, labels] = number
        words += ops.text_words(number, 0, [name, dict(labels)])
    edges = [(run.began, 0, place) for place, run in enumerate(runs)]
    edges += [(run.began + run.took, 1, place) for place, run in enumerate(runs) if run.outcome]
    slots: dict[int, int] = {}
    for t, ends, place in sorted(edges):
        run = runs[place]
        if ends:
            words.append(run.took << 28 | (len(words) - slots[place]) << 4 | run.outcome)
        else:
            slots[place] = len(words)
            words.append(ops.head(ops.BEGIN, names[run.name, run.labels], t))
    return words


def pieces(source: str, words: Sequence[int], cuts: Iterable[int] = ()) -> list[model.AnyEvent]:
    """The events of a file that was read in pieces."""
    bounds = [0, *sorted({cut % (len(words) + 1) for cut in cuts}), len(words)]
    events: list[model.AnyEvent] = []
    t = 0
    for first, last in pairwise(bounds):
        piece = array("Q", words[first:last])
        for start, end, last_begin in spans(piece, t):
            part = piece[start:end].tobytes()
            events.append(
                model.OperationsHappened(last_begin, source, first + start, part, last < len(words))
            )
            t = last_begin
    return events


def events_of(runs: Sequence[Run], cuts: Iterable[int] = ()) -> list[model.AnyEvent]:
    """All processes' pieces in the order of time."""
    events: list[model.AnyEvent] = []
    cuts = list(cuts)
    for source in sorted({run.source for run in runs}):
        events += pieces(source, words_of([run for run in runs if run.source == source]), cuts)
    return sorted(events, key=lambda event: event.t)


def peak_of(runs: Iterable[Run]) -> int:
    changes: list[tuple[int, int]] = []
    for run in runs:
        changes.append((run.began, 1))
        if run.outcome:
            changes.append((run.began + run.took, -1))
    level = most = 0
    moments = sorted({t for t, _ in changes})
    for moment in moments:
        level += sum(change for t, change in changes if t == moment)
        most = max(most, level)
    return most


RUNS = st.lists(
    st.builds(
        Run,
        source=st.sampled_from(["pytest-1", "pytest-1.77", "pytest-1-gw0"]),
        began=st.integers(1, 400 * MS),
        took=st.integers(0, 300 * MS),
        outcome=st.sampled_from([ops.OK, ops.OK, ops.ERROR, ops.CANCELLED, 0]),
        name=st.sampled_from(["read", "write"]),
        labels=st.sampled_from([(), (("user", "a"),), (("user", "b"),)]),
    ),
    max_size=40,
)
