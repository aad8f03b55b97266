"""A place where the probe of this process records, and what it recorded."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

from itdash.events import model
from itdash.events.journal import replay
from itdash.probe import attention, regions
from itdash.state import fold

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from itdash.probe.listener import Listener
    from itdash.state.operations import Operations
    from itdash.state.run import RunState


class Recording:
    """A run directory that this process and its children record into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / attention.SEGMENTS).mkdir()
        self.place = attention.Place(str(folder), perf_counter_ns(), "pytest-1", "", self._note)
        self.told: list[tuple[str, str]] = []

    def _note(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    @property
    def listener(self) -> Listener:
        """What records in this process."""
        listener = attention.current()
        assert listener is not None
        return listener

    def state(self) -> RunState:
        """All that was recorded, with the end of the run."""
        events, unread = replay(self.folder)
        assert unread == 0
        return fold.replay([*events, model.RunFinished(1 << 61, "passed", 0)])

    def operations(self) -> Operations:
        """The same, the operations alone."""
        return self.state().operations


def record(folder: Path, patch: pytest.MonkeyPatch) -> Recording:
    """Let the probe of this process record into a folder, until the patches are undone."""
    made = Recording(folder)
    patch.setattr(attention, "_own", made.place)
    patch.setattr(regions, "listener", attention.Attention())
    patch.setenv(attention.VARIABLE, str(made.place))
    return made


def silence(patch: pytest.MonkeyPatch) -> None:
    """Let nobody listen in this process, until the patches are undone."""
    patch.setattr(attention, "_own", None)
    patch.setattr(regions, "listener", None)
    patch.delenv(attention.VARIABLE, raising=False)
