"""The life of the warm process: import, say so, fork when told, until nobody is there to tell."""

from __future__ import annotations

import fcntl
import gc
import json
import logging
import marshal
import os
import socket
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

from itdash.plugin.warm.leaving import LeftOut
from itdash.plugin.warm.places import notes
from itdash.plugin.warm.preload import Preload
from itdash.plugin.warm.used import read
from itdash.plugin.warm.valid import Validity

if TYPE_CHECKING:
    import pytest


class Fork:
    """What a forked process has to mend before it is as if it had been started by itself."""

    def __init__(self, preload: Preload) -> None:
        self._preload = preload

    def attend(self, config: pytest.Config) -> None:
        """pytest is configured."""
        self._preload.rewriting.hand_over(config)

    @property
    def filters(self) -> list[tuple[Any, ...]]:
        """The filters of warnings that imports would have set."""
        return self._preload.filters

    def freshen(self) -> None:
        """Begin now: other random numbers, another start in the log."""
        numpy: Any = sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed()
        for numbers in list(self._preload.seeded):
            numbers.seed()
        began: Any = vars(logging)
        whole = isinstance(began["_startTime"], int)  # nanoseconds since Python 3.13
        began["_startTime"] = time.time_ns() if whole else time.time()


def serve(fd: int) -> Fork:
    """Be the warm process; returns in each process that was forked, with its order still to be read."""
    inherited = _open_now() - {fd}
    channel = socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    data, (printed, _), _, _ = socket.recv_fds(channel, 65536, 2)
    os.set_blocking(printed, False)
    folder, root = marshal.loads(data)
    place = notes(folder)
    used = read(place)
    gc.disable()
    sys.argv = [os.path.join(os.path.dirname(sys.executable), "pytest")]
    left_out = LeftOut(place, used, root)
    preload = Preload(used, left_out.names, printed)
    preload.run(left_out.mark)
    if _threads_survive():
        preload.leave_out_threads()
    left_out.save()
    if not preload.clean:
        channel.send(marshal.dumps("again"))
        os._exit(0)
    validity = Validity(used, root, preload.added)
    gc.collect()
    gc.freeze()  # else each collection of a run walks through all of it, and makes copies of its pages
    gc.enable()
    channel.send(marshal.dumps("ready"))
    _obey(channel, validity, inherited)
    return Fork(preload)


def _obey(channel: socket.socket, validity: Validity, inherited: set[int]) -> None:
    """Answer the keeper until it is gone; returns in a process that was forked."""
    while True:
        data, fds, _, _ = socket.recv_fds(channel, 65536, 3)
        if not data:
            os._exit(0)
        task, argument = marshal.loads(data)
        if task == "check":
            with open(argument, encoding="ascii") as order:
                channel.send(marshal.dumps(validity.why_not(json.load(order)["args"])))
            continue
        pid = _fork()
        if pid == 0:
            channel.detach()
            _become(fds, argument, inherited)
            return
        for given in fds:
            os.close(given)
        channel.send(marshal.dumps(pid))


def _fork() -> int:
    """Fork a process whose parent is the keeper, as it adopts all that lose their own; 0 in that process."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            pid = os.fork()
        except OSError:
            os._exit(1)
        if pid == 0:
            return 0
        os.write(writing, str(pid).encode())
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 32)
    os.close(reading)
    os.waitpid(between, 0)
    return int(told or b"-1")


def _open_now() -> set[int]:
    with os.scandir("/proc/self/fd") as entries:
        found = {int(entry.name) for entry in entries}
    return {fd for fd in found if _is_open(fd)}  # not the one by which they were listed


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _become(fds: list[int], number: int, inherited: set[int]) -> None:
    """Take the descriptors and the session that a process has which the keeper starts itself."""
    os.setsid()
    stdin, stdout, lifeline = fds
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stdout, 2)
    lifeline = fcntl.fcntl(lifeline, fcntl.F_DUPFD_CLOEXEC, number + 1)
    for fd in _open_now() - inherited - {0, 1, 2, lifeline}:
        os.close(fd)
    os.dup2(lifeline, number, inheritable=False)
    os.close(lifeline)
    sys.orig_argv[-1] = str(number)
    main: Any = threading.main_thread()
    main._set_native_id()  # of which Python does not think at a fork


def _threads_survive() -> bool:
    """Whether a library holds threads that do not end at a fork, as those of OpenBLAS do."""
    if _threads() == 1:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are threads
        pid = os.fork()
        if pid == 0:
            os._exit(0)
    os.waitpid(pid, 0)
    return _threads() > 1


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))
