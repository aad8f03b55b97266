"""What pytest itself printed, where that is what a reader must see."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from itdash.errors import GATE, NO_TESTS, PASSED, USAGE_ERROR
from itdash.render.text import head_and_tail, inert
from itdash.state import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from itdash.events.model import RunFinished
    from itdash.state.run import RunState

_READ, _LINES = 65_536, 60
_MISTAKE = re.compile(r"^(?:ERROR:|usage:).*?(?=^=====|\Z)", re.M | re.S)  # pytest's banner may come after it


def lines(state: RunState, folder: Path) -> Iterator[str]:
    """All of it, where pytest was asked to show something; some, where events cannot say why nothing ran."""
    end = state.finished
    if end is None:
        return
    if end.exit_code == PASSED and queries.only_shows(state):
        yield from map(inert, _text(folder).splitlines())
    elif not _explains_itself(state, end):
        text = _text(folder, _READ)
        if end.exit_code == USAGE_ERROR and (mistake := _MISTAKE.search(text)):
            text = mistake[0].rstrip()
        yield from (f"  {inert(line)}" for line in head_and_tail(text, _LINES))


def _explains_itself(state: RunState, end: RunFinished) -> bool:
    return bool(
        end.verdict in ("passed", "interrupted")
        or end.exit_code in (NO_TESTS, GATE)
        or state.failing
        or state.internal_errors
        or any(problem.outcome == "failed" for problem in state.uncollected)
    )


def _text(folder: Path, most: int = 0) -> str:
    try:
        with (folder / "pytest.log").open("rb") as log:
            if most:
                log.seek(max(0, log.seek(0, os.SEEK_END) - most))
            return log.read().decode("utf-8", "backslashreplace").rstrip()
    except OSError:
        return ""
