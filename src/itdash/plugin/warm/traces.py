"""What an import may leave behind in a process beside its module; what does cannot be imported beforehand."""

from __future__ import annotations

import _locale
import builtins
import gc
import logging
import os
import random
import resource
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS = tuple(signal.valid_signals())
_LIMITS = tuple(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))
_SETS = (b"SigBlk", b"SigIgn", b"SigCgt")
_OF_THREADS = 0b11 << 31
"""The two signals that the C library takes for itself when a first thread is made."""


class Traces:
    """Compares this process with how it was at the look before."""

    def __init__(self, printed: int, warned: list[Any]) -> None:
        """`printed` is a pipe in which all that is printed arrives, `warned` has all warnings."""
        self._pipe, self._warned, self._printed = printed, warned, 0
        self._finders = len(sys.meta_path)
        self.threads = 1
        self._looks: dict[str, Callable[[], object]] = {
            "opens a file or socket": _lowest_free,
            "starts a thread": _threads,
            "starts a process": _children,
            "changes signals, or how files are made": self._process,
            "changes signals": lambda: tuple(map(signal.getsignal, _SIGNALS)),
            "changes environment variables": _environment,
            "changes the current folder": os.getcwd,
            "changes the locale": lambda: _locale.setlocale(_locale.LC_ALL, None),
            "changes where modules are found": self._import_system,
            "changes hooks of the interpreter": _hooks,
            "changes how garbage is collected": lambda: (
                gc.isenabled(),
                gc.get_threshold(),
                len(gc.callbacks),
            ),
            "changes logging": _logging,
            "changes how warnings are treated": _filters,
            "changes limits of the process": lambda: tuple(map(resource.getrlimit, _LIMITS)),
            "makes an event loop": _loops,
            "sets random numbers": lambda: random.getstate()[1],
            "prints": self._prints,
            "warns": lambda: len(self._warned),
        }
        self._before = self._look()

    def new(self) -> str:
        """What is not as it was at the last look, in a few words; nothing when all is."""
        now = self._look()
        if now == self._before:
            return ""
        told = ", ".join(
            word for word, old, new in zip(self._looks, self._before, now, strict=True) if old != new
        )
        self._before = now
        return told

    def _look(self) -> list[object]:
        return [look() for look in self._looks.values()]

    def _import_system(self) -> object:
        # A finder at the end, as `six` adds one, stands there in a cold process too.
        return [*sys.path], [*map(id, sys.meta_path[: self._finders])], [*map(id, sys.path_hooks)]

    def _process(self) -> object:
        with open("/proc/self/status", "rb") as status:
            told = dict(line.split(b":", 1) for line in status if b":" in line)
        self.threads = int(told[b"Threads"])
        return told.get(b"Umask"), [int(told[name], 16) & ~_OF_THREADS for name in _SETS]

    def _prints(self) -> int:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        try:
            while data := os.read(self._pipe, 1 << 16):
                self._printed += len(data)
        except BlockingIOError:
            pass
        return self._printed


def _lowest_free() -> int:
    """The next descriptor; each that is opened takes the lowest."""
    free = os.dup(0)
    os.close(free)
    return free


def _threads() -> int:
    """Python's threads; those of libraries are judged by whether they survive a fork."""
    return threading.active_count()


def _children() -> bytes:
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/children", "rb") as listed:
            return listed.read()
    except OSError:
        return b""


def _environment() -> object:
    return dict(getattr(os.environ, "_data", os.environ))


def _hooks() -> object:
    hooks: tuple[object, ...] = (
        sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook, threading.excepthook,
        sys.gettrace(), sys.getprofile(), sys.getrecursionlimit(), sys.getswitchinterval(), sys.stdin,
        sys.stdout, sys.stderr, getattr(threading, "_trace_hook", None),
        getattr(threading, "_profile_hook", None),
    )  # fmt: skip
    return [*map(id, hooks[:5]), *hooks[5:9], *map(id, hooks[9:])], [*map(id, vars(builtins).values())]


def _logging() -> object:
    root = logging.root
    return (
        root.level, len(root.handlers), len(root.filters), root.manager.disable, logging.raiseExceptions,
        id(logging.getLoggerClass()), id(logging.getLogRecordFactory()), id(logging.lastResort),
    )  # fmt: skip


def is_narrow(entry: tuple[Any, ...]) -> bool:
    """Whether a filter of warnings is about one message, one module, or a package's own kind."""
    return entry[1] is not None or entry[3] is not None or entry[2].__module__ != "builtins"


def _filters() -> object:
    return [entry[:3] for entry in warnings.filters if not is_narrow(entry)], id(warnings.showwarning)


def _loops() -> object:
    events = sys.modules.get("asyncio.events")
    policy = getattr(events, "_event_loop_policy", None)
    return id(type(policy)), getattr(getattr(policy, "_local", None), "_loop", None) is not None
