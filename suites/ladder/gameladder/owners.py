"""Names for those who hold leases, by which anybody can find out whether the holder still lives."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

_numbers = count(1)


def new_owner() -> str:
    """A name that no other holder has or had: the process, when it started, and a number."""
    pid = os.getpid()
    return f"{pid}.{_started(pid)}.{next(_numbers)}"


def is_alive(owner: str) -> bool:
    """Whether the process that took this name is still there, and not another one with its number.

    Of a holder with a name of another make nothing is known: only its lease can end what it holds.
    """
    pid, _, rest = owner.partition(".")
    started, _, number = rest.partition(".")
    if not (pid.isdecimal() and started.isdecimal() and number.isdecimal()):
        return True
    return _started(int(pid)) == started


def _started(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]  # one that only waits to be reaped does nothing any more
