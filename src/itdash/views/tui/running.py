"""Runs as the dashboard asks for them: one after another, to their end, or left while they go on."""

from __future__ import annotations

import asyncio
import gc
import signal
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from itdash.errors import INTERNAL_ERROR, PASSED, ItdashError
from itdash.runner.again import of_tests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.config import Loaded
    from itdash.runner.command import Request
    from itdash.runner.execution import Execution
    from itdash.session import Session
    from itdash.views.tui.board import Board
    from itdash.views.tui.screens.dashboard import Dashboard
    from itdash.views.tui.watching import Watch

_TICK = 1 / 40
_BUDGET = 10_000_000
_TURNS = 6
_RARELY = (20_000, 10, 100)


class Running(App[int]):
    """An app that owns a session, lets it go on, and draws what changed."""

    dashboard: Dashboard

    def __init__(
        self, session: Session, loaded: Loaded, request: Request, board: Board, *, ansi_color: bool | None
    ) -> None:
        super().__init__(ansi_color=ansi_color)
        self.session, self.loaded, self.request, self.board = session, loaded, request, board
        self.config = loaded.config
        self.paused = False
        self._leaving = False
        self._next: tuple[Request, bool] | None = None
        self._ticks = 0
        self._seen = -1
        self._spared = False
        self.saves: Watch | None = None

    def heed_signals(self) -> None:
        """A signal ends the run and then the screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_end, number)

    def on_unmount(self) -> None:
        """Nobody looks any more: nothing is watched."""
        if self.saves is not None:
            self.saves.close()

    def begin_to_tick(self) -> None:
        """The first picture is there: let the run go on."""
        gc.enable()
        gc.set_threshold(*_RARELY)
        self.set_interval(_TICK, self.tick)

    def tick(self) -> None:
        """Let the run go on, or draw what changed: in turn, so that neither makes a key wait for both."""
        if getattr(self._driver, "gone", False) and not self._leaving:
            self._told_to_end(signal.SIGHUP)
        self._ticks += 1
        if self._ticks % 2:
            self._spare()
            run = self.session.execution
            if run is not None and self.session.step(_BUDGET):
                self.session.finish()
                if self.saves is not None:
                    self.saves.over(run)
                self._over()
            if self.saves is not None and not self._leaving:
                self.saves.turn()
        elif not self.paused:
            self._draw(self._ticks // 2)

    def _draw(self, frame: int) -> None:
        runs = self.session.execution is not None
        changed = self.board.changes != self._seen
        if changed or runs:
            self._seen = self.board.changes
            self.dashboard.renew(changed, frame % _TURNS if runs else -1)

    def _spare(self) -> None:
        """Once all tests are known, keep Python from looking through them again and again for garbage."""
        if self.board.state.collected != self._spared:
            self._spared = self.board.state.collected
            if self._spared:
                gc.collect()
                gc.freeze()

    def _over(self) -> None:
        self.dashboard.settle()
        if self._leaving:
            self._go()
            return
        self.session.prepare()
        if self._next:
            (request, keep), self._next = self._next, None
            self.start(request, keep)

    def start(self, request: Request, remember: bool = False) -> None:
        """Start a run, after the one that goes on has been asked to end."""
        while self.screen is not self.dashboard and len(self.screen_stack) > 1:
            self.pop_screen()
        if remember:
            self.request = request
        if self.session.execution is not None:
            from itdash.views.tui.screens.ask import Ask

            follow = partial(self._follow_with, request, remember)
            self.push_screen(Ask("Tests are running. End them, and run these?"), follow)
            return
        try:
            self.session.start(request, self.config)
        except ItdashError as error:
            self.notify("\n".join(error.lines()), severity="error", timeout=15, markup=False)

    def start_for_watch(self, request: Request) -> Execution | None:
        """Start a run because of a save; the user stays where they are."""
        try:
            return self.session.start(request, self.config)
        except ItdashError as error:
            self.notify("\n".join(error.lines()), severity="error", timeout=15, markup=False)
            return None

    # -- what keys ask of it --

    def action_watch(self) -> None:
        """Run again whenever a file is saved, or no more."""
        if self.saves is not None:
            self.saves.close()
            self.saves = None
        else:
            from itdash.runner.watch.rounds import Rounds
            from itdash.views.tui.watching import Watch

            rounds = Rounds(self.request, self.config, self.loaded.root, self.session.terms.cwd, False)
            rounds.start()
            self.saves = Watch(self, rounds)
        self.dashboard.renew()

    def _follow_with(self, request: Request, remember: bool, yes: bool | None) -> None:
        """Have the run end, and another one follow."""
        if not yes:
            return
        if self.session.execution is None:
            self.start(request, remember)
        else:
            self._next = (request, remember)
            self.session.stop()

    def action_run_all(self) -> None:
        """Run what the command line asked for."""
        self.start(self.request)

    def action_run_failed(self) -> None:
        """Run those that failed."""
        failing = self.board.outline.failing()
        if failing:
            self.run_tests(failing)
        else:
            self.notify("nothing has failed")

    def run_tests(self, ids: Iterable[str]) -> None:
        """Run these and no others."""
        self.start(of_tests(self.request, frozenset(ids), self.board.state, self.session.terms.cwd))

    def action_stop(self) -> None:
        """Ask the run to end."""
        self._next = None
        if self.session.execution is None:
            self.notify("nothing runs")
        elif not self.board.state.requests:
            self.session.stop()
        else:
            self.notify("it is asked to end already; S ends it at once")

    def action_kill(self) -> None:
        """End the run at once."""
        self._next = None
        if self.session.execution is None:
            self.notify("nothing runs")
            return
        if not self.board.state.requests:
            self.session.stop()
        self.session.stop()

    def action_pause(self) -> None:
        """Hold the display still, or go on."""
        self.paused = not self.paused
        self._seen = -1
        self.dashboard.renew()

    def action_leave(self) -> None:
        """Leave; ask once while tests run."""
        from itdash.views.tui.screens.ask import Ask

        if isinstance(self.screen, Ask):
            self.screen.dismiss(True)
        elif self.session.execution is None:
            self._go()
        elif self._leaving:
            self.session.stop()
        else:
            self.push_screen(Ask("Tests are running. End them and leave?"), self._answered)

    async def action_quit(self) -> None:
        """What textual gives ctrl+q to: leave as `q` does, and not without an exit code."""
        self.action_leave()

    def _told_to_end(self, number: int) -> None:
        """A signal ends the run and the screen, and a second one ends the run at once."""
        self._leaving = True
        if self.session.execution is None:
            self._go()
        else:
            self.session.stop(number)

    def _answered(self, yes: bool | None) -> None:
        if not yes:
            return
        self._leaving = True
        if self.session.execution is None:
            self._go()
        else:
            self.session.stop()

    def _go(self) -> None:
        end = self.board.state.finished
        never_ran = self.board.folder is None  # nothing was concerned, as long as somebody watched
        self.exit(end.exit_code if end else PASSED if never_ran else INTERNAL_ERROR)
