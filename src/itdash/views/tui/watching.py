"""Watch mode in the dashboard: what is saved makes the next run."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itdash.runner.command import Request
    from itdash.runner.execution import Execution
    from itdash.runner.watch.rounds import Round, Rounds
    from itdash.views.tui.running import Running

_NAMED = 3


class Watch:
    """Belongs to one app, which asks it at every tick."""

    def __init__(self, app: Running, rounds: Rounds, ours: Execution | None = None) -> None:
        """`ours` is the run that began with the first round, where it did."""
        self._app, self.rounds, self._ours = app, rounds, ours
        self._root = os.path.realpath(app.loaded.root)
        self._stopping: Execution | None = None
        self._following: Request | None = None
        self._verdict: bool | None = None
        self.problems: list[str] = []
        """Files that are no Python now, so that nothing is run."""

    def close(self) -> None:
        """Watch no more."""
        self.rounds.close()

    def turn(self) -> None:
        """See whether something was saved; a run that goes on is asked to end, or is waited for."""
        app, now = self._app, time.perf_counter_ns()
        for note in self.rounds.watcher.notes():
            app.notify(note, severity="warning", timeout=15, markup=False)
        run = app.session.execution
        owed = run is None and self._stopping is not None and self.rounds.watcher.is_calm(now)
        if self.rounds.saved(now) is None and not owed:
            if run is None and self._following is not None:
                self._run(self._following)
            return
        self._following = None
        if run is None:
            self._stopping = None
            self._start(self.rounds.because_of_saves())
        elif app.config.watch.on_save == "restart" and self._stopping is not run and not _ends(run):
            self._stopping = run
            run.stop(signal.SIGINT, "a file was saved")

    def over(self, run: Execution) -> None:
        """A run has ended; one of ours is taken in."""
        if run is not self._ours:
            return
        self._ours = None
        self._following = self.rounds.over(run.state, run.folder)
        self._app.board.outline.remove(self.rounds.turns.gone)
        if run is self._stopping:
            return
        turns = self.rounds.turns
        told = [
            f"{word}: {len(ids):,}"
            for word, ids in (("newly failing", turns.newly_failing), ("newly passing", turns.newly_passing))
            if ids
        ]
        if told:
            self._app.notify(", ".join(told), severity="error" if turns.newly_failing else "information")
        passed = not self.rounds.standing.failing
        if self._app.config.watch.notify == "bell" and self._verdict not in (None, passed):
            self._app.bell()
        self._verdict = passed

    def _start(self, made: Round) -> None:
        app = self._app
        self.problems = list(made.problems)
        if made.problems:
            app.dashboard.renew()
        elif made.first is None:
            app.notify(f"{self._names(made)}: no test is concerned", markup=False)
        else:
            app.notify(f"{self._names(made)} saved", markup=False, timeout=3)
            self._run(made.first)

    def _run(self, request: Request) -> None:
        self._following = None
        self._ours = self._app.start_for_watch(request)
        if self._ours is None:
            self.rounds.watcher.end(complete=False)

    def _names(self, made: Round) -> str:
        names = [os.path.relpath(change.path, self._root) for change in made.changes]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return ", ".join(names[:_NAMED]) + more or "nothing new"


def _ends(run: Execution) -> bool:
    """Whether every test has its verdict, so that the run is about to end by itself."""
    state = run.state
    return state.collected and state.finished_cases >= len(state.cases) and not state.running
