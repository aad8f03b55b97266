"""The folder of one run: made, named, and the oldest ones let go."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from itdash.errors import RunDirectoryError
from itdash.events.elsewhere import elsewhere, is_own
from itdash.events.journal import SEGMENTS, runs

PID = "pid"


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


def retain(base: Path, keep: int, limit: int) -> list[str]:
    """Delete the oldest runs beyond `keep` in number or `limit` in bytes; the names of those deleted."""
    gone = []
    total = 0
    for count, folder in enumerate(runs(base / "runs"), 1):
        total += _size(folder)
        if count > 1 and (count > keep or total > limit) and not _is_alive(folder):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                gone.append(folder.name)
    return gone


def _is_alive(folder: Path) -> bool:
    """Whether the itdash that writes this run is still there: it keeps the number of its process there."""
    try:
        os.kill(int((folder / PID).read_text()), 0)
    except PermissionError:
        return True  # there is such a process, and it is somebody else's
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
