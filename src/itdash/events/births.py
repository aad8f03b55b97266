"""Which process a number means: the system gives numbers away again, and a container counts its own."""

from __future__ import annotations

import os

# Held in a tuple, for a test may patch `os`.
_OS = (os.open, os.read, os.close, os.readlink)
_START = 19  # the place of its start among what `stat` tells behind the name


def numbering() -> str:
    """In which numbering this process has its number; nothing where the system does not tell."""
    try:
        return _OS[3]("/proc/self/ns/pid")
    except OSError:
        return ""


def born(pid: int) -> str:
    """When a process was started, in ticks of the system; nothing where that cannot be told."""
    open_, read, close, _ = _OS
    try:
        handle = open_(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read(handle, 4096).rpartition(b")")[2].split()[_START].decode("ascii")
        finally:
            close(handle)
    except (OSError, IndexError):
        return ""
