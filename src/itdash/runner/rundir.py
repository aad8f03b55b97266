"""The folder of one run: made, named, and the oldest ones let go."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from itdash.events.journal import SEGMENTS, runs


def create(base: Path) -> tuple[Path, str]:
    """A new run folder below `base`, or below the system's temporary folder with the reason why."""
    try:
        return _create(base), ""
    except OSError as error:
        import tempfile

        place = Path(tempfile.mkdtemp(prefix="itdash-"))
        return _create(place), f"runs cannot be kept in {base} ({error.strerror}); this one is in {place}"


def _create(base: Path) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    ignore = base / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    folder = base / "runs" / name
    (folder / SEGMENTS).mkdir(parents=True)
    return folder


def retain(base: Path, keep: int, limit: int) -> list[str]:
    """Delete the oldest runs beyond `keep` in number or `limit` in bytes; the names of those deleted."""
    gone = []
    total = 0
    for count, folder in enumerate(runs(base / "runs"), 1):
        total += _size(folder)
        if count > 1 and (count > keep or total > limit) and not _is_alive(folder):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder.name)
    return gone


def _is_alive(folder: Path) -> bool:
    """Whether the itdash that writes this run is still there: it holds the name of its process in a file."""
    try:
        pid = int((folder / "pid").read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return False
    return True


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
