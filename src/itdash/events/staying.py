"""Which runs stay, whatever else is let go: those that are still written, and the baseline."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PID = "pid"
"""The itdash that writes a run keeps the number of its process there."""

BASELINE = "baseline"
"""The file beside the runs that names the one which later ones are held against."""


def is_written(folder: Path) -> bool:
    """Whether a run goes on still."""
    try:
        os.kill(int((folder / PID).read_text()), 0)
    except PermissionError:
        return True  # there is such a process, and it is somebody else's
    except (OSError, ValueError, OverflowError):
        return False
    return True


def baseline(base: Path) -> str:
    """The name of the run that was made the baseline, or nothing."""
    try:
        return (base / BASELINE).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def make_baseline(base: Path, name: str) -> None:
    """Make a run the baseline; without a name there is none any more."""
    if name:
        (base / BASELINE).write_text(f"{name}\n", "utf-8")
    else:
        (base / BASELINE).unlink(missing_ok=True)
