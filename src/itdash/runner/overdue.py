"""Ends a test that takes longer than it may: its stacks first, then gently, then not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from itdash.events.model import CaseAborted
from itdash.orders import STACKS_SIGNAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itdash.events.model import Event
    from itdash.runner.process import Link
    from itdash.state.cases import Running
    from itdash.state.run import RunState

_INT, _KILL = 2, 9
_SECOND = 1_000_000_000
_STACKS_TAKE = _SECOND // 4
_GENTLY = 3 * _SECOND
_STACKS_KEPT = 65_536


class _Hang(msgspec.Struct):
    pid: int
    worker: str
    since: int
    stacks_from: int
    cause: str = ""
    told: bool = False
    killed: bool = False


class Overdue:
    """Watches the running tests of one process against a limit in seconds."""

    def __init__(
        self, limit: float, folder: Path, part: int, link: Link, emit: Callable[[Event], None]
    ) -> None:
        self._limit, self._seconds = int(limit * _SECOND), limit
        self._folder, self._part, self._link, self._emit = folder, part, link, emit
        self._hangs: dict[int, _Hang] = {}
        self.stopped = False

    def check(self, state: RunState, now: int) -> None:
        """Take the next step for every test that is over its time."""
        if not self._limit:
            return
        for number, running in state.running.items():
            if number not in self._hangs and now - running.started > self._limit:
                self._begin(state, number, running, now)
        for number, hang in list(self._hangs.items()):
            self._go_on(state, number, hang, now)

    def _begin(self, state: RunState, number: int, running: Running, now: int) -> None:
        worker, stage = running.worker, running.stage
        session = state.sessions.get((self._part, worker))
        if session is None:
            return
        hang = _Hang(session.pid, worker, now, stacks_size(self._folder, self._part, worker))
        hang.cause = f"no end after {self._seconds:g} s, in {stage}"
        self._hangs[number] = hang
        self._emit(CaseAborted(now, number, "timed out", hang.cause))
        if STACKS_SIGNAL:
            self._link.signal(STACKS_SIGNAL, session.pid)

    def _go_on(self, state: RunState, number: int, hang: _Hang, now: int) -> None:
        if not hang.told:
            if now - hang.since < _STACKS_TAKE:
                return
            hang.told = True
            stacks = stacks_since(self._folder, self._part, hang.worker, hang.stacks_from)
            self._emit(CaseAborted(now, number, "timed out", hang.cause, stacks))
            if self._went_on(state, hang):
                del self._hangs[number]
            elif hang.worker:
                self._link.signal(_KILL, hang.pid)
                del self._hangs[number]
            else:
                self.stopped = True
                self._link.signal(_INT, hang.pid)
        elif self._went_on(state, hang):
            del self._hangs[number]
        elif not hang.killed and now - hang.since > _STACKS_TAKE + _GENTLY:
            hang.killed = True
            self._link.signal(_KILL)

    @staticmethod
    def _went_on(state: RunState, hang: _Hang) -> bool:
        """Whether the test ended after all, and its process went on to the next or to its end."""
        later = any(
            other.started > hang.since and other.worker == hang.worker for other in state.running.values()
        )
        return later or any(
            word.t > hang.since for (_, worker), word in state.last_words.items() if worker == hang.worker
        )


def _stacks(folder: Path, part: int, worker: str) -> Path:
    return folder / "stacks" / f"pytest-{part}{'-' if worker else ''}{worker}.txt"


def stacks_size(folder: Path, part: int, worker: str) -> int:
    """How many bytes of stacks a process has written so far."""
    try:
        return os.stat(_stacks(folder, part, worker)).st_size
    except OSError:
        return 0


def stacks_since(folder: Path, part: int, worker: str, start: int = 0) -> str:
    """The stacks that a process wrote after `start`, bounded."""
    try:
        with _stacks(folder, part, worker).open("rb") as handle:
            handle.seek(start)
            return handle.read(_STACKS_KEPT).decode("utf-8", "backslashreplace")
    except OSError:
        return ""
