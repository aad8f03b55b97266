"""The folder of one run: made, named, and the oldest ones let go."""

from __future__ import annotations

import calendar
import contextlib
import os
import time
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.errors import RunDirectoryError
from itdash.events import staying
from itdash.events.elsewhere import elsewhere, is_own
from itdash.events.journal import SEGMENTS, runs
from itdash.events.staying import baseline, is_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PID: Final = staying.PID
_DAY: Final = 86_400


def create(base: Path) -> tuple[Path, str]:
    """A new run folder below `base`, or below the system's temporary folder with the reason why."""
    try:
        return _create(base), ""
    except OSError as error:
        why = error.strerror or str(error)
    try:
        place = _elsewhere(base)
        return _create(place), f"runs cannot be kept in {base} ({why}); this one is in {place}"
    except OSError as error:
        raise RunDirectoryError(
            f"there is no place to keep the run: {why}, and {error.strerror or error}", where=str(base)
        ) from None


def _elsewhere(base: Path) -> Path:
    """One place for all runs of a project, unless it was taken by somebody else."""
    place = elsewhere(base)
    with contextlib.suppress(FileExistsError):
        place.mkdir(0o700)
    if is_own(place):
        return place
    import tempfile

    return Path(tempfile.mkdtemp(prefix="itdash-"))


def _create(base: Path) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    _hide_from_git(base)
    while True:
        folder = base / "runs" / _name(time.time_ns())
        try:
            (folder / SEGMENTS).mkdir(parents=True)
        except FileExistsError:
            if not folder.is_dir():
                raise
        else:
            (folder / PID).write_text(str(os.getpid()))
            return folder


def _hide_from_git(base: Path) -> None:
    """Let git pass over the folder, unless somebody else keeps things there too."""
    if not {entry.name for entry in base.iterdir()} - {"runs"}:
        (base / ".gitignore").write_text("*\n")


def _name(ns: int) -> str:
    """A name that sorts by time: in UTC, for local time goes back once a year, and to the millisecond."""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    return f"{moment}-{rest // 1_000_000:03d}{os.urandom(2).hex()}"


class Limits(NamedTuple):
    """What may be kept; None is no limit."""

    runs: int | None = None
    bytes: int | None = None
    days: float | None = None


class Doomed(NamedTuple):
    """A run that is beyond a limit, its size in bytes, and beyond which."""

    folder: Path
    size: int
    why: str


def retain(base: Path, keep: int, limit: int, days: float | None = None) -> list[str]:
    """Delete the oldest runs beyond so many, so many bytes or so many days; the names of those deleted.

    The newest one, which has just begun, stays.
    """
    return remove(doomed([base], Limits(keep, limit, days), newest_stays=True))


def doomed(bases: Sequence[Path], limits: Limits, *, newest_stays: bool = False) -> list[Doomed]:
    """The runs beyond the limits, newest first: not the baseline, nor those that are still written."""
    folders = sorted(
        (folder for base in bases for folder in runs(base / "runs")), key=attrgetter("name"), reverse=True
    )
    stay = {baseline(base) for base in bases}
    found = []
    total = 0
    for place, folder in enumerate(folders):
        size = _size(folder)
        total += size
        why = _beyond(limits, place + 1, total, folder)
        if why and not (place == 0 and newest_stays) and folder.name not in stay and not is_written(folder):
            found.append(Doomed(folder, size, why))
    return found


def _beyond(limits: Limits, count: int, total: int, folder: Path) -> str:
    if limits.runs is not None and count > limits.runs:
        return f"beyond the newest {limits.runs:,}"
    if limits.bytes is not None and total > limits.bytes:
        return "beyond the size"
    if limits.days is not None and _age(folder) > limits.days * _DAY:
        return f"older than {limits.days:g} days"
    return ""


def _age(folder: Path) -> float:
    """Seconds since a run began, by its name, or by the time of its folder where that says nothing."""
    try:
        began = float(calendar.timegm(time.strptime(folder.name[:15], "%Y%m%d-%H%M%S")))
    except ValueError:
        try:
            began = folder.stat().st_mtime
        except OSError:
            return 0.0
    return time.time() - began


def remove(found: Iterable[Doomed]) -> list[str]:
    """Delete these; the names of those that are gone."""
    gone = []
    for one in found:
        import shutil

        shutil.rmtree(one.folder, ignore_errors=True)
        if not one.folder.exists():
            gone.append(one.folder.name)
    return gone


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
