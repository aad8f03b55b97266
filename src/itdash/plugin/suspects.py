"""What a test's process holds more than before, without what is not a test's to close."""

from __future__ import annotations

import _socket
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.events.model import LeakKind
    from itdash.plugin.holdings import Holdings, Look

# Threads that serve a pool, a loop or a tool, and end or wait on their own account.
_SERVICES: Final = (
    "anyio", "asyncio", "concurrent.futures", "coverage", "debugpy", "execnet", "multiprocessing", "pydevd",
    "_pydevd", "pytest_timeout", "tqdm", "xdist",
)  # fmt: skip
_SERVICE_NAMES: Final = ("asyncio_", "asyncio-waitpid", "waitpid-", "pydevd.", "Dummy-")
_SERVICE_COMMANDS: Final = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "loky.backend")
_SYSTEM: Final = ("/dev/", "/proc/", "/sys/", "/run/systemd/", "/run/nscd/", "/var/run/nscd/")
_NAME_SERVERS: Final = 53


class Suspect(Protocol):
    """Something that was not there before; `kind` is what it is."""

    kind: LeakKind

    def remains(self) -> bool:
        """Whether it is still there."""

    def name(self) -> str:
        """What a reader knows it by."""


class ThreadSuspect:
    """A thread that a test started."""

    kind: LeakKind = "thread"

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def remains(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def name(self) -> str:
        """Its name and what it runs."""
        return f"{self._thread.name}, which runs {_qualified(_runs(self._thread))}"


class ProcessSuspect:
    """A child that a test started; one that ended and was not waited for counts as gone."""

    kind: LeakKind = "process"

    def __init__(self, look: Look, pid: int, born: str) -> None:
        self._look, self._pid, self._born = look, pid, born
        self._command = look.command(pid)

    def remains(self) -> bool:
        """Whether it still runs, and does not serve multiprocessing itself."""
        if self._look.born(self._pid) != self._born:
            return False
        self._command = self._command or self._look.command(self._pid)  # it had none while it was started
        return not any(service in self._command for service in _SERVICE_COMMANDS)

    def name(self) -> str:
        """Its number and its command."""
        return f"{self._pid} {self._command}"


class DescriptorSuspect:
    """A descriptor that a test opened."""

    def __init__(self, look: Look, number: int, target: str, name: str) -> None:
        self._look, self._number, self._target, self._name = look, number, target, name
        self.kind: LeakKind = "socket" if target.startswith("socket:") else "descriptor"

    def remains(self) -> bool:
        """Whether it is still open, and the same."""
        return self._look.target(self._number) == self._target

    def name(self) -> str:
        """The file, or the ends of the socket."""
        return self._name


def suspects(look: Look, before: Holdings, now: Holdings, folder: str, *, explained: bool) -> list[Suspect]:
    """What is new and a test's to close; `folder` is where itdash itself writes.

    Where descriptors are gone that were there before, a new one may have taken the place of another: then
    none is suspected, unless these are `explained` by a fixture that has ended.
    """
    found: list[Suspect] = [
        ThreadSuspect(thread)
        for number, thread in now.threads.items()
        if before.threads.get(number) is not thread and not _serves(thread)
    ]
    found += [
        ProcessSuspect(look, pid, born)
        for pid, born in now.children.items()
        if before.children.get(pid) != born
    ]
    if explained or before.descriptors.keys() <= now.descriptors.keys():
        known = set(_known_to_others())
        for number, target in now.descriptors.items():
            if number not in before.descriptors and number not in known:
                name = _described(number, target, folder)
                if name:
                    found.append(DescriptorSuspect(look, number, target, name))
    return found


def _runs(thread: Any) -> Any:
    """The function of a thread, or its class where it has a `run` of its own."""
    target = getattr(thread, "_target", None)
    if target is None and isinstance(thread, threading.Timer):
        target = thread.function
    return target or type(thread)


def _serves(thread: threading.Thread) -> bool:
    module = str(getattr(_runs(thread), "__module__", ""))
    return thread.name.startswith(_SERVICE_NAMES) or any(
        module == service or module.startswith(f"{service}.") for service in _SERVICES
    )


def _qualified(what: Any) -> str:
    name = getattr(what, "__qualname__", None) or type(what).__qualname__
    return f"{getattr(what, '__module__', None) or type(what).__module__}.{name}"


def _known_to_others() -> Iterator[int]:
    """Descriptors of log handlers, and of what multiprocessing keeps for the whole process."""
    logging = sys.modules.get("logging")
    for reference in list(getattr(logging, "_handlerList", ())):
        try:
            yield reference().stream.fileno()
        except Exception:  # a handler without a stream, or with one that is closed
            continue
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    for number in (getattr(tracker, "_fd", None), getattr(server, "_forkserver_alive_fd", None)):
        if isinstance(number, int):
            yield number


def _described(number: int, target: str, folder: str) -> str:
    """What stands behind a descriptor; nothing if it is not a test's to close."""
    if target.startswith("socket:"):
        return _ends(number)
    if target.startswith("pipe:"):
        return "a pipe"
    if not target.startswith("/") or target.endswith(" (deleted)") or target.startswith(_SYSTEM):
        return ""  # such as the poll of an event loop
    if "/.coverage" in target or (folder and target.startswith(folder)):
        return ""
    return target


# Held from before the tests, which patch `socket` and `os`.
_duplicate, _close, _Socket = os.dup, os.close, _socket.socket
_INTERNET: Final = (_socket.AF_INET, _socket.AF_INET6)
_LISTENS: Final = (_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN)


def _ends(number: int) -> str:
    """The ends of a socket; nothing for pairs without a name, which event loops have, and name servers."""
    copy = _duplicate(number)
    try:
        socket = _Socket(fileno=copy)
    except OSError:
        _close(copy)
        return ""
    try:
        here, there = _end(socket.getsockname), _end(socket.getpeername)
        if socket.family == _socket.AF_UNIX:
            if not (here or there) or f"{here or there}".startswith(_SYSTEM):
                return ""
        elif socket.family not in _INTERNET or (there and there[1] == _NAME_SERVERS):
            return ""
        listens = socket.getsockopt(*_LISTENS)
        return f"{_place(here)}{' listening' if listens else ''}" + (f" to {_place(there)}" if there else "")
    except OSError:
        return ""
    finally:
        socket.close()


def _end(ask: Any) -> Any:
    try:
        return ask()
    except OSError:
        return None


def _place(end: Any) -> str:
    if isinstance(end, tuple):
        host = f"[{end[0]}]" if ":" in str(end[0]) else end[0]
        return f"{host}:{end[1]}"
    if isinstance(end, bytes):
        end = end.decode("utf-8", "backslashreplace")
    return str(end or "unnamed")
