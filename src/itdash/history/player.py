"""A recorded run at any moment of it: played on, held, or looked at from an earlier moment."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from itdash.errors import ItdashError
from itdash.events import model
from itdash.state.fold import apply_all
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.events.model import AnyEvent

_STEPS: Final = (model.CaseStarted, model.CaseFinished, model.CaseAborted, model.RunFinished)
_moment = attrgetter("t")


class NoSuchMoment(ItdashError):
    """The recording has no such moment."""


class Player:
    """Folds the events of a recording up to a moment; `state` is another object after a way back."""

    def __init__(self, events: Sequence[AnyEvent]) -> None:
        self._events = events
        self._next = 0
        self.state = RunState()
        self.at = 0
        self.length = max(0, events[-1].t) if events else 0

    @property
    def over(self) -> bool:
        """Whether all of it has been played."""
        return self._next >= len(self._events)

    def to(self, t: int) -> Sequence[AnyEvent]:
        """Be at this moment; the events that the state has taken in for it, all of them after a way back."""
        t = max(0, t)
        if t < self.at:
            self.state, self._next = RunState(), 0
        last = bisect_right(self._events, t, self._next, key=_moment)
        taken = self._events[self._next : last]
        apply_all(self.state, taken)
        self._next, self.at = last, min(t, self.length)
        return taken

    def after(self) -> int:
        """The moment at which the next test begins or ends; the end where none does."""
        for place in range(self._next, len(self._events)):
            if isinstance(self._events[place], _STEPS):
                return self._events[place].t
        return self.length

    def before(self) -> int:
        """The moment at which a test last began or ended before this one; 0 where none did."""
        for place in range(min(self._next, len(self._events)) - 1, -1, -1):
            event = self._events[place]
            if isinstance(event, _STEPS) and event.t < self.at:
                return event.t
        return 0

    def start_of(self, text: str) -> int:
        """The moment at which the first test began whose id is the text, or holds it."""
        ids: dict[int, str] = {}
        found: int | None = None
        for event in self._events:
            if isinstance(event, model.CasesCollected):
                ids.update((number, row.id) for number, row in enumerate(event.cases, event.first))
            elif isinstance(event, model.CaseStarted):
                nodeid = ids.get(event.case, "")
                if nodeid == text:
                    return event.t
                if found is None and text in nodeid:
                    found = event.t
        if found is None:
            raise NoSuchMoment(
                f"no test of the recording has {text!r} in its id", where="--from",
                mend="a time such as 1.5s, or a part of an id",
            )  # fmt: skip
        return found


def duration(text: str) -> int:
    """`1.5`, `1.5s`, `250ms` or `2m` in nanoseconds; ValueError for anything else."""
    for unit, size in (("ms", 1_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)):
        if text.endswith(unit):
            return _nanoseconds(text.removesuffix(unit), size)
    return _nanoseconds(text, 1_000_000_000)


def _nanoseconds(number: str, size: int) -> int:
    value = float(number) * size
    if not 0 <= value < 1 << 62:
        raise ValueError(number)
    return int(value)
