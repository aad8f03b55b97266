"""Where the runs of a project are: beside it, and where those go for which there was no room."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from itdash.events.elsewhere import elsewhere, is_own
from itdash.events.journal import runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def bases(base: Path) -> list[Path]:
    """The folder that the configuration names, and the one that stands in for it if there is one."""
    other = elsewhere(base)
    return [base, other] if is_own(other) else [base]


def every(base: Path) -> Iterator[Path]:
    """The folders of all runs, newest first."""
    places = [runs(place / "runs") for place in bases(base)]
    return places[0] if len(places) == 1 else merge(*places, key=lambda run: run.name, reverse=True)
