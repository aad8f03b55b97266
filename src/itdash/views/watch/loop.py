"""Watch mode without the full screen: one loop over saves, keys, signals and the run that goes on."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from itdash.errors import INTERNAL_ERROR, NO_TESTS, PASSED, ItdashError
from itdash.session import Ear
from itdash.views.watch.keys import KEYS, SHOWN, Keys

if TYPE_CHECKING:
    from itdash.config import Config
    from itdash.runner.command import Request
    from itdash.runner.execution import Execution
    from itdash.runner.watch.rounds import Round, Rounds
    from itdash.runner.watch.watcher import Saved
    from itdash.session import Session
    from itdash.views.watch.view import WatchView

_IDLE, _RUNNING, _LIVELY = 0.25, 0.05, 0.005
_LIVELY_FOR = 3_000_000_000


class Loop:
    """Starts a round for every save and every key, one at a time, until it is told to end."""

    def __init__(self, session: Session, rounds: Rounds, config: Config, view: WatchView) -> None:
        self._session, self._rounds, self._config, self._view = session, rounds, config, view
        self._code = PASSED
        self._codes: list[int] = []
        self._ran = self._failing = 0
        self._wanted = ""
        self._restarts = self._owed = self._leaving = False
        self._first = True
        self._verdict: bool | None = None
        self._since = self._warned = 0

    def run(self) -> int:
        """Watch until Ctrl-C or `q`; the exit code of the last round."""
        self._rounds.start()
        try:
            with Ear() as ear, Keys() as keys:
                self._start(self._rounds.opening())
                if keys.fd >= 0:
                    self._view.keys(self._told_keys())
                while not self._is_over():
                    self._wait(ear, keys)
                    self._obey(ear.heard(), keys.read())
                    self._go_on()
        finally:
            self._rounds.close()
            self._session.close()
        return self._code

    # -- one turn of the loop --

    def _is_over(self) -> bool:
        if self._view.gone and not self._leaving:
            self._obey([signal.SIGHUP], [])
        return self._leaving and self._session.execution is None

    def _wait(self, ear: Ear, keys: Keys) -> None:
        run = self._session.execution
        fds = [fd for fd in (self._rounds.fd, keys.fd, run.link.inbox.fd if run else -1) if fd >= 0]
        now = time.perf_counter_ns()
        seconds = _IDLE if run is None else _LIVELY if now - self._since < _LIVELY_FOR else _RUNNING
        pause = self._rounds.watcher.pause(now)
        if pause is not None:
            fds.remove(
                self._rounds.fd
            )  # what it has to tell is taken already, and only its age is waited for
            seconds = min(seconds, pause)
        ear.wait(*fds, seconds=seconds)

    def _go_on(self) -> None:
        for note in self._rounds.watcher.notes():
            self._view.say("skipped", note)
        run = self._session.execution
        if run is not None and self._session.step():
            self._session.finish()
            self._over(run)
        if self._leaving:
            return
        now = time.perf_counter_ns()
        saved = self._rounds.saved(now)
        if self._session.execution is None:
            if self._wanted:
                self._start_wanted()
            elif saved is not None or (self._owed and self._rounds.watcher.is_calm(now)):
                self._owed = False
                self._start(self._rounds.because_of_saves())
        elif saved is not None:
            self._warn(saved)
            if self._config.watch.on_save == "restart":
                self._restart("a file was saved")

    def _warn(self, saved: Saved) -> None:
        """Tell at once what Python cannot read, although tests run still."""
        if saved.at != self._warned:
            self._warned = saved.at
            for text in self._rounds.unreadable(saved):
                self._view.say("failed", text)

    def _obey(self, signals: list[int], keys: list[str]) -> None:
        for number in signals:
            self._leaving = True
            if self._session.execution is not None:
                self._session.stop(number)
        for key in keys:
            if key == "?":
                self._view.keys(self._told_keys())
            elif key == "q":
                self._leaving = True
                if self._session.execution is not None:
                    self._session.stop()
            else:
                self._wanted = key
                self._restart("a key was pressed")

    def _restart(self, why: str) -> None:
        """Have the run end softly, unless it is about to end; what is wanted follows when it is over."""
        run = self._session.execution
        if run is None or self._restarts:
            return
        self._rounds.interrupted()
        state = run.state
        if not (state.collected and state.finished_cases >= len(state.cases) and not state.running):
            self._restarts = True
            run.stop(signal.SIGINT, why)

    # -- rounds --

    def _start_wanted(self) -> None:
        key, self._wanted = self._wanted, ""
        made = (
            self._rounds.everything()
            if key == "a"
            else self._rounds.failed()
            if key == "f"
            else self._rounds.again()
        )
        self._start(made)

    def _start(self, made: Round) -> None:
        self._codes, self._ran, self._failing = [], 0, 0
        self._view.round(made)
        if made.first is not None:
            self._run(made.first)

    def _run(self, request: Request) -> None:
        self._since = time.perf_counter_ns()
        try:
            self._session.start(request, self._config)
        except ItdashError as error:
            for line in error.lines():
                self._view.say("failed", line)
            self._code = error.exit_code
            self._rounds.watcher.end(complete=False)

    def _over(self, run: Execution) -> None:
        """A run has ended: the next of its round, or the end of the round."""
        state = run.state
        code = state.finished.exit_code if state.finished else INTERNAL_ERROR
        self._codes.append(code)
        self._ran += sum(case.outcome not in ("", "not run", "interrupted") for case in state.cases.values())
        self._failing += len(state.failing)
        made = self._rounds.round
        following = self._rounds.over(state, run.folder)
        self._session.prepare()
        if self._restarts and not self._leaving:
            self._restarts, self._owed = False, not self._wanted
            self._view.say("skipped", state.requests[0].why if state.requests else "stopped")
            return
        if following is not None and not self._leaving:
            self._view.rest(made, self._ran, self._failing)
            self._run(following)
            return
        self._code = next((code for code in self._codes if code not in (PASSED, NO_TESTS)), self._codes[0])
        self._view.over(made, self._rounds.turns, state, (self._ran, self._failing), self._first)
        self._first = False
        passed = self._code == PASSED
        if self._config.watch.notify == "bell" and self._verdict not in (None, passed):
            self._view.ring()
        self._verdict = passed

    @staticmethod
    def _told_keys() -> str:
        by_word: dict[str, list[str]] = {}
        for key, word in KEYS.items():
            by_word.setdefault(word, []).append(SHOWN.get(key, key))
        return "  ".join(f"{' or '.join(keys)} {word}" for word, keys in by_word.items())
