"""A recorded run read whole, as far as its journal goes; damage is counted, and stops nobody."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from itdash.errors import INTERNAL_ERROR, ItdashError
from itdash.events import model
from itdash.events.journal import Tail
from itdash.state import fold
from itdash.state.run import RunState

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.events.model import AnyEvent

_WITH_DETAIL: Final = (model.StageFinished, model.SubtestFinished, model.CollectionFailed)


class Unreadable(ItdashError):
    """The file system does not give the journal out."""

    exit_code = INTERNAL_ERROR


class Recorded(NamedTuple):
    """The events that can be taken in, in order, and the state that they make."""

    name: str
    state: RunState
    events: list[AnyEvent]
    bytes: int
    unread: int


def read(folder: Path) -> Recorded:
    """The run in a folder, as far as its journal can be read."""
    tail = Tail(folder)
    events: list[AnyEvent] = []
    try:
        while batch := tail.read():
            events += batch
    except OSError as error:
        raise Unreadable(
            f"the journal cannot be read: {error.strerror}", where=str(error.filename or folder)
        ) from None
    finally:
        tail.close()
    events.sort(key=attrgetter("t"))
    broken = _mend(events)
    kept, state = _folded(events)
    return Recorded(folder.name, state, kept, tail.bytes, tail.unread + broken + len(events) - len(kept))


def _mend(events: list[AnyEvent]) -> int:
    """Take out the details that are no text, which nobody has looked into yet; how many there were."""
    broken = 0
    for place, event in enumerate(events):
        if isinstance(event, _WITH_DETAIL) and event.detail is not model.NOTHING:
            try:
                bytes(event.detail).decode()
            except UnicodeDecodeError:
                nothing = msgspec.Raw(b"{}") if isinstance(event, model.CollectionFailed) else model.NOTHING
                events[place] = replace(event, detail=nothing)
                broken += 1
    return broken


def _folded(events: list[AnyEvent]) -> tuple[list[AnyEvent], RunState]:
    """The events that can be taken in, and the state that they make; damage may look like an event."""
    try:
        return events, fold.replay(events)
    except Exception:  # whatever a damaged file makes of an event
        state, kept = RunState(), []
        for event in events:
            try:
                fold.apply(state, event)
            except Exception:
                continue
            kept.append(event)
        return kept, state
