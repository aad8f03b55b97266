"""How long each test takes, to give every machine as much to do as the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.history.database import ask
from itdash.history.trend import usual

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.history.store import Store

_RUNS: Final = 20
_OF_EACH: Final = 5


def durations(base: Path) -> dict[str, float]:
    """Seconds by test: the median of its last five of the last twenty runs below `base`.

    A test has the name that `history.record.name_of` gives it, which is its node id where pytest's own root
    is the project's folder.
    """

    def read(store: Store) -> dict[str, float]:
        return usual(store.outcomes([head.name for head in store.heads(_RUNS)]), _OF_EACH)

    return ask(base, read)
