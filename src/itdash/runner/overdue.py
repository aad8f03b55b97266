"""Ends what takes longer than it may: its stacks first, then gently, then not.

A test has the limit that the user set. A file has ten times that to be imported, and the process has a
time of its own to go once pytest has said its last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.events.model import CaseAborted, NoteAdded
from itdash.orders import STACKS_SIGNAL
from itdash.runner.closing import stacks_since, stacks_size, uncollected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itdash.config import Config
    from itdash.events.model import Event
    from itdash.runner.process import Link
    from itdash.state.run import RunState

_INT, _KILL = 2, 9
_SECOND = 1_000_000_000
_STACKS_TAKE = _SECOND // 4
_GENTLY = 3 * _SECOND
_LEAST_TO_COLLECT = 10 * _SECOND
_EXITING = -1

_Key = int | str
"""What a hang is known by: the number of a test, the worker that collects, or the end of the process."""


class _Hang:
    """Something that is over its time, and how far its end has come."""

    def __init__(self, pid: int, worker: str, since: int, stacks_from: int) -> None:
        self.pid, self.worker, self.since, self.stacks_from = pid, worker, since, stacks_from
        self.told = self.killed = False
        self.close: Callable[[int, str], Event | None] = lambda _now, _stacks: None


class Overdue:
    """Watches one process: its running tests, its collection, its end."""

    def __init__(
        self, config: Config, folder: Path, part: int, link: Link, emit: Callable[[Event], None]
    ) -> None:
        self._limit, self._seconds = int(config.timeout * _SECOND), config.timeout
        self._to_exit, self._exit_seconds = int(config.exit_grace * _SECOND), config.exit_grace
        self._folder, self._part, self._link, self._emit = folder, part, link, emit
        self._hangs: dict[_Key, _Hang] = {}
        self._files: set[str] = set()
        self._interrupted = False
        self.stopped = False  # the process, for a test: what is left may run in another

    def check(self, state: RunState, now: int) -> None:
        """Take the next step for everything that is over its time."""
        if self._limit:
            self._check_tests(state, now)
            self._check_collection(state, now)
        self._check_exit(state, now)
        for key, hang in list(self._hangs.items()):
            self._go_on(state, key, hang, now)

    def tell(self, now: int) -> None:
        """The process is gone: what was asked for its stacks will write no more."""
        for hang in self._hangs.values():
            self._tell(hang, now)

    def _check_tests(self, state: RunState, now: int) -> None:
        for number, running in state.running.items():
            if number not in self._hangs and now - running.started > self._limit:
                cause = f"no end after {self._seconds:g} s, in {running.stage}"
                hang = self._begin(state, number, running.worker, now)
                if hang:
                    hang.close = _closing_test(number, cause)
                    self._emit(CaseAborted(now, number, "timed out", cause))

    def _check_collection(self, state: RunState, now: int) -> None:
        limit = max(10 * self._limit, _LEAST_TO_COLLECT)
        for worker, file in state.collecting.items():
            if worker not in self._hangs and now - file.t > limit:
                hang = self._begin(state, worker, worker, now)
                if hang:
                    hang.close = self._closing_file(file.node, f"no end after {limit / _SECOND:g} s")

    def _check_exit(self, state: RunState, now: int) -> None:
        last = state.last_words.get((self._part, ""))
        if last is None or _EXITING in self._hangs or self._part in state.ends:
            return
        if now - last.t > self._to_exit:
            hang = self._begin(state, _EXITING, "", now)
            if hang:
                told = f"the process did not end within {self._exit_seconds:g} s of pytest's last word"
                hang.close = lambda now, stacks: NoteAdded(now, f"{told}\n{stacks}".strip())

    def _begin(self, state: RunState, key: _Key, worker: str, now: int) -> _Hang | None:
        session = state.sessions.get((self._part, worker))
        if session is None:
            return None
        size = stacks_size(self._folder, self._part, worker)
        hang = self._hangs[key] = _Hang(session.pid, worker, now, size)
        if STACKS_SIGNAL:
            self._link.signal(STACKS_SIGNAL, session.pid)
        return hang

    def _go_on(self, state: RunState, key: _Key, hang: _Hang, now: int) -> None:
        is_test = isinstance(key, int) and key >= 0
        if not hang.told:
            if now - hang.since < _STACKS_TAKE:
                return
            self._tell(hang, now)
            if is_test and _went_on(state, hang):
                del self._hangs[key]
            elif is_test and hang.worker:
                self._link.signal(_KILL, hang.pid)
                del self._hangs[key]
            else:
                self.stopped |= is_test
                self._stop(key, hang)
        elif is_test and _went_on(state, hang):
            del self._hangs[key]
        elif not hang.killed and now - hang.since > _STACKS_TAKE + _GENTLY:
            hang.killed = True
            self._link.signal(_KILL)

    def _stop(self, key: _Key, hang: _Hang) -> None:
        if key == _EXITING:
            self._link.signal(_KILL, hang.pid)
        elif not hang.worker:
            self._link.signal(_INT, hang.pid)
        elif not self._interrupted:  # a worker that is killed would be replaced, and hang in the same file
            self._interrupted = True
            self._link.signal(_INT)

    def _closing_file(self, node: str, how: str) -> Callable[[int, str], Event | None]:
        def close(now: int, stacks: str) -> Event | None:
            if node in self._files:
                return None
            self._files.add(node)
            return uncollected(now, node, how, stacks)

        return close

    def _tell(self, hang: _Hang, now: int) -> None:
        if not hang.told:
            hang.told = True
            event = hang.close(now, stacks_since(self._folder, self._part, hang.worker, hang.stacks_from))
            if event:
                self._emit(event)


def _closing_test(number: int, cause: str) -> Callable[[int, str], Event]:
    return lambda now, stacks: CaseAborted(now, number, "timed out", cause, stacks)


def _went_on(state: RunState, hang: _Hang) -> bool:
    """Whether the test ended after all, and its process went on to the next or to its end."""
    later = [running.started for running in state.running.values() if running.worker == hang.worker]
    later += [word.t for (_, worker), word in state.last_words.items() if worker == hang.worker]
    return max(later, default=0) > hang.since
