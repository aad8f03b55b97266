"""No process of this package outlives the one that started it."""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import select
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, however that ends and whatever this one does."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it had ended before the kernel was asked
        sys.exit(1)


def end_with_owner() -> None:
    """The same for a worker of multiprocessing, whose parent is the fork server: that one lives on beside it.

    The owner holds the other end of a pipe. The kernel closes it in any case, and then signals this process.
    """
    owner = multiprocessing.parent_process()
    if owner is None:
        raise RuntimeError("only a process of multiprocessing has an owner")
    pipe = owner.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # it had ended before the kernel was asked
        sys.exit(1)
