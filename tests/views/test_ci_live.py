"""The live line of a terminal."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from itdash.events import model
from itdash.render.paint import Paint
from itdash.state import fold
from itdash.views.ci import CiView


class Terminal(io.StringIO):
    def fileno(self) -> int:
        return 1


@pytest.mark.parametrize(("width", "bar"), [(20, False), (50, False), (51, True), (80, True)])
def test_the_bar_leaves_room_for_what_it_stands_for(
    monkeypatch: pytest.MonkeyPatch, width: int, bar: bool
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((width, 24)))
    state = fold.replay(
        [
            model.CasesCollected(0, 0, (model.CollectedCase("test_it.py::test_a"),)),
            model.CollectionFinished(1, 1),
            model.CaseStarted(2, 0),
        ]
    )
    stream = Terminal()
    view = CiView(stream, Paint(colour=False, ascii_only=True), 5, 5, live=True)
    view.begin(state, Path("run"))
    view.show(state, [], 5_000_000_000)
    line = stream.getvalue().splitlines()[-1]
    assert ("...." in line) is bar
    assert "0/1" in line
    assert "5.00s" in line
