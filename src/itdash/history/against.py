"""A run of the history held against another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.history import choose
from itdash.history.choose import NoBaseline
from itdash.history.compare import compare, past_of
from itdash.history.database import Listener, ask
from itdash.history.store import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.history.record import Record
    from itdash.history.store import Store
    from itdash.state.comparison import Comparison


def against(place: Path, base: str, run: str, listener: Listener | None = None) -> Comparison:
    """A run below `place` held against another; ItdashError where there is no such run."""

    def question(store: Store) -> Comparison:
        chosen = choose.run(store, run)
        other = choose.base(store, place, base, chosen.record)
        past = past_of(store, other.record, chosen.record)
        return compare(other.record, chosen.record, past, (other.told, chosen.told))

    return ask(place, question, listener)


def since_baseline(place: Path, record: Record) -> Comparison | None:
    """What changed since the baseline, or since the run before; None where there is neither."""

    def question(store: Store) -> Comparison | None:
        try:
            other = choose.base(store, place, "", record)
        except NoBaseline:
            return None
        return compare(other.record, record, past_of(store, other.record, record), (other.told, ""))

    try:
        return ask(place, question)
    except StoreError:
        return None
