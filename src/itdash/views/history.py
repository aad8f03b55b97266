"""Takes each run into the history when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading
    from itdash.state.run import RunState

_WAIT: Final = 3.0


class NotKept(OSError):
    """The run is not in the history; whoever ends a run goes on after it."""


class Recorder:
    """A view that shows nothing."""

    def begin(self, state: RunState, folder: Path) -> None:
        """Have SQLite imported while pytest starts."""
        from itdash.history import database

        del state, folder, database

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Add the run, or say why it is missing there; the next look at the history tries again."""
        del reading
        from itdash.history.database import add
        from itdash.history.reading import of_state
        from itdash.history.store import StoreError

        try:
            warning = add(folder.parent.parent, of_state(state, folder.name), _WAIT)
        except (StoreError, ValueError, OverflowError) as error:
            raise NotKept(f"the run is not in the history: {error}") from None
        if warning:
            raise NotKept(warning)
