"""Which recorded run is meant: the latest, one before it, the start of a name, or a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from itdash.errors import ItdashError
from itdash.events.journal import SEGMENTS
from itdash.history.places import every

LATEST: Final = "latest"
_BACK: Final = re.compile(r"-[1-9][0-9]*")
_LISTED: Final = 5


class NoSuchRun(ItdashError):
    """No recorded run is the one that was asked for."""


def find(base: Path, wanted: str = LATEST) -> Path:
    """The folder of a run below `base`/runs or in its stand-in, or anywhere if it is told by its path."""
    place = Path(wanted)
    if (place / SEGMENTS).is_dir():
        return place.resolve()
    if place.name == SEGMENTS and place.is_dir():
        return place.resolve().parent
    kept = list(every(base))
    if not kept:
        raise NoSuchRun(
            "no run is recorded", where=str(base / "runs"),
            mend="`itdash launch` makes one; a run elsewhere can be told by the path of its folder",
        )  # fmt: skip
    if wanted == LATEST or _BACK.fullmatch(wanted):
        return _back(base, kept, 1 if wanted == LATEST else int(wanted[1:10]))
    return _by_start(base, kept, wanted)


def _back(base: Path, kept: list[Path], steps: int) -> Path:
    if steps <= len(kept):
        return kept[steps - 1]
    held = "1 run is" if len(kept) == 1 else f"{len(kept)} runs are"
    raise NoSuchRun(
        f"there is no run -{steps}: {held} recorded", where=str(base / "runs"),
        mend=f"the oldest is -{len(kept)}, {kept[-1].name}",
    )  # fmt: skip


def _by_start(base: Path, kept: list[Path], wanted: str) -> Path:
    found = [run for run in kept if run.name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    where = str(base / "runs")
    if found:
        names = ", ".join(run.name for run in found[:_LISTED])
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        raise NoSuchRun(f"several runs begin with {wanted!r}", where=where, mend=f"one of {names}{more}")
    what = f"{wanted!r} is no run directory" if Path(wanted).exists() else f"there is no run {wanted!r}"
    newest = ", ".join(run.name for run in kept[:_LISTED])
    raise NoSuchRun(
        what, where=where, mend=f"`latest`, `-2`, the start of a name, or a path; newest: {newest}"
    )
