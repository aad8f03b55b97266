"""The full-screen view: wires keys to the session and panels to the run, and does no work of its own."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.command import CommandPalette

from itdash.errors import INTERNAL_ERROR, ConfigError, ItdashError
from itdash.runner.again import of_tests
from itdash.views.tui import keymap, plain, themes
from itdash.views.tui.board import Board, past
from itdash.views.tui.palette import Palette
from itdash.views.tui.screens.dashboard import Dashboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from textual.driver import Driver
    from textual.screen import Screen

    from itdash.config import Config, Loaded
    from itdash.render.paint import Paint
    from itdash.runner.command import Request
    from itdash.session import Session

_TICK = 1 / 40
_BUDGET = 10_000_000
_TURNS = 6
_KEPT = 20
_RARELY = (20_000, 10, 100)


@cache
def _default_variables() -> dict[str, str]:
    return themes.read(themes.bundled() / f"{themes.DEFAULT}.yaml").variables


class ItdashApp(App[int]):
    """One session on the screen."""

    TITLE = "itdash"
    ENABLE_COMMAND_PALETTE = True
    CSS = plain.CSS

    def __init__(
        self,
        session: Session,
        loaded: Loaded,
        request: Request,
        board: Board,
        paint: Paint,
        write: Callable[[Path], Sequence[Path]] = lambda _: (),
    ) -> None:
        self.first_theme = themes.at_start(loaded)
        self._wrong: list[str] = []
        self._told: set[str] = set()
        super().__init__(ansi_color=True if self.first_theme == themes.TERMINAL else None)
        self.set_reactive(App.ansi_color, None)
        self.session, self.loaded, self.request = session, loaded, request
        self.board, self.paint, self._write = board, paint, write
        self.palette = Palette({})
        self.config = loaded.config
        self.paused = False
        self._leaving = False
        self._next: tuple[Request, bool] | None = None
        self._ticks = 0
        self._seen = -1
        self._spared = False
        self._broken: set[str] = set()

    # -- the life of it --

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What our widgets name, also under a theme that does not."""
        return _default_variables()

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, on Linux and macOS one that survives its terminal."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from itdash.views.tui.driver import LastingDriver

        return LastingDriver

    def _wear(self, name: str) -> None:
        """Begin in a theme; the others are read when the first picture is there."""
        found = next((file for file in reversed(themes.files(self.loaded.root)) if file.stem == name), None)
        try:
            theme = themes.read(found) if found else themes.read(themes.bundled() / f"{themes.DEFAULT}.yaml")
        except ConfigError as error:
            self._wrong = [" ".join(error.lines())]
            theme = themes.read(themes.bundled() / f"{themes.DEFAULT}.yaml")
        self.register_theme(theme)
        self.theme = theme.name

    def _learn_themes(self) -> list[themes.Look]:
        """Every theme there is; told is what is wrong with a file, once."""
        known, wrong = themes.load(self.loaded.root)
        for look in known.values():
            self.register_theme(look)
        for told in [*self._wrong, *wrong]:
            if told not in self._told:
                self._told.add(told)
                self.notify(told, severity="warning", timeout=15, markup=False)
        return list(known.values())

    def on_mount(self) -> None:
        """Dress, and start the clock."""
        self.theme_changed_signal.subscribe(self, lambda _: self._dress())
        self._wear(self.first_theme)
        plain.dress(self, self.paint.ascii)
        self._dress()
        self.set_keymap(keymap.remapped(self.config.keys))
        self.dashboard = Dashboard(self.board)
        self.push_screen(self.dashboard)
        self.dashboard.call_after_refresh(self._learn_themes)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_end, number)
        gc.enable()
        gc.set_threshold(*_RARELY)
        self.dashboard.call_after_refresh(self.set_interval, _TICK, self.tick)

    def _dress(self) -> None:
        self.palette = Palette(self.get_css_variables(), self.no_color)
        for screen in self.screen_stack:
            for widget in screen.query("*"):
                widget.refresh()
            screen.refresh()

    def tick(self) -> None:
        """Let the run go on, or draw what changed: in turn, so that neither makes a key wait for both."""
        if getattr(self._driver, "gone", False) and not self._leaving:
            self._told_to_end(signal.SIGHUP)
        self._ticks += 1
        if self._ticks % 2:
            self._spare()
            if self.session.execution is not None and self.session.step(_BUDGET):
                self.session.finish()
                self._over()
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

    def note_broken(self, error: Exception) -> None:
        """Keep the traceback of something that could not be drawn, each only once."""
        import traceback

        text = "".join(traceback.format_exception(error))
        if text not in self._broken and self.board.folder is not None and len(self._broken) < _KEPT:
            self._broken.add(text)
            with suppress(OSError), (self.board.folder / "dashboard.log").open("a") as log:
                log.write(text)

    def keys_of(self, key: keymap.Key) -> str:
        """The keys that do it, as the user has them."""
        return self.config.keys.get(key.id, key.keys)

    def _follow_with(self, request: Request, remember: bool, yes: bool | None) -> None:
        """Have the run end, and another one follow."""
        if not yes:
            return
        if self.session.execution is None:
            self.start(request, remember)
        else:
            self._next = (request, remember)
            self.session.stop()

    # -- what keys do, wherever they are pressed --

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
        self.exit(end.exit_code if end else INTERNAL_ERROR)

    def action_help(self) -> None:
        """Every key."""
        from itdash.views.tui.screens.help import Help

        self.push_screen(Help())

    def action_themes(self) -> None:
        """Choose a theme."""
        from itdash.views.tui.screens.themes import Themes

        known = self._learn_themes()
        self.push_screen(Themes(known, self.theme))

    def action_command_palette(self) -> None:
        """Every action by its name."""
        self.push_screen(CommandPalette(placeholder="an action by its name", id="--command-palette"))

    def action_options(self) -> None:
        """Choose what the next run is asked for."""
        from itdash.views.tui.screens.options import Options

        terms = self.session.terms
        self.push_screen(Options(self.request, self.config, self.loaded, terms, self.paint), self._asked)

    def _asked(self, made: tuple[Request, Config] | None) -> None:
        if made is not None:
            request, self.config = made
            self.start(request, remember=True)

    def action_runs(self) -> None:
        """Look at an older run."""
        from itdash.views.tui.screens.runs import Runs

        kept = self.loaded.root / self.config.directory / "runs"
        folder = self.board.folder if self.session.execution is not None else None
        self.push_screen(Runs(kept, folder), self._open_run)

    def export(self, folder: Path) -> None:
        """Write the documents of a run in a thread of its own, for it may be large."""
        self.notify(f"writing what is known of {folder.name}", markup=False, timeout=2)
        self.run_worker(partial(self._export, folder), thread=True, exclusive=True)

    def _export(self, folder: Path) -> None:
        try:
            told = "\n".join(f"wrote {path}" for path in self._write(folder))
            self.call_from_thread(self.notify, told, markup=False, timeout=10)
        except (ItdashError, OSError) as error:
            self.call_from_thread(self.notify, str(error), severity="error", markup=False, timeout=15)

    def _open_run(self, folder: Path | None) -> None:
        """Read a run in a thread of its own, for it may be large."""
        if folder is not None:
            self.notify(f"reading {folder.name}", markup=False, timeout=2)
            self.run_worker(partial(self._read_run, folder), thread=True, exclusive=True)

    def _read_run(self, folder: Path) -> None:
        self.call_from_thread(self._show_run, past(folder))

    def _show_run(self, board: Board) -> None:
        if isinstance(self.screen, Dashboard):
            note = f"run {board.folder.name}" if board.folder else ""
            self.push_screen(Dashboard(board, f"an older {note}; Escape leaves it"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action by its name."""
        for key in keymap.KEYS:
            if key.group != "Go":
                action = key.action
                yield SystemCommand(
                    key.words, f"{key.group}, key {keymap.label(self.keys_of(key))}",
                    lambda action=action: self.call_later(screen.run_action, action),
                )  # fmt: skip
