"""Where the runs of a project go that has no room for them: always the same place, of one user's own."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path


def elsewhere(base: Path) -> Path:
    """The folder below the system's temporary one that stands in for `base`."""
    import tempfile

    name = sha256(os.fsencode(os.path.abspath(base))).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"itdash-{os.getuid()}-{name}")


def is_own(folder: Path) -> bool:
    """Whether nobody else can have put anything there: everybody may write to the folder above it."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
