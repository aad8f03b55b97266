"""The full-screen view: wires keys to the session and panels to the run, and does no work of its own."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand

from itdash.errors import ItdashError
from itdash.views.tui import keymap, plain
from itdash.views.tui.palette import Palette
from itdash.views.tui.running import Running
from itdash.views.tui.screens.dashboard import Dashboard
from itdash.views.tui.wardrobe import Wardrobe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from textual.driver import Driver
    from textual.screen import Screen

    from itdash.config import Config, Loaded
    from itdash.render.paint import Paint
    from itdash.runner.command import Request
    from itdash.session import Session
    from itdash.views.tui.board import Board
    from itdash.views.tui.theme_file import Look

_KEPT = 20


class ItdashApp(Running):
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
        self.wardrobe = Wardrobe(loaded)
        first = self.wardrobe.first
        super().__init__(session, loaded, request, board, ansi_color=True if first.ansi else None)
        self.set_reactive(App.ansi_color, None)
        self.paint, self._write = paint, write
        self._broken: set[str] = set()
        self._wear(first)
        self.dashboard = Dashboard(board)

    # -- the life of it --

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, on Linux and macOS one that survives its terminal."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from itdash.views.tui.driver import LastingDriver

        return LastingDriver

    def get_default_screen(self) -> Dashboard:
        """The dashboard is there from the first picture on."""
        return self.dashboard

    def on_mount(self) -> None:
        """Begin, once there is a picture."""
        self.theme_changed_signal.subscribe(self, lambda _: self._dress())
        self.set_keymap(keymap.remapped(self.config.keys))
        self.heed_signals()
        self.dashboard.call_after_refresh(self.begin_to_tick)
        self.dashboard.call_after_refresh(self.learn_themes)

    # -- what it wears --

    def get_css_variables(self) -> dict[str, str]:
        """What sheets of style can name."""
        self.theme_variables = self.wardrobe.variables(self.current_theme)
        return self.theme_variables

    def _wear(self, theme: Look) -> None:
        """Begin in a theme: were it put on as usual, every sheet of style would be read twice."""
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.set_class(theme.dark, "-dark-mode", update=False)
        self.set_class(not theme.dark, "-light-mode", update=False)
        self.add_class(f"-theme-{theme.name}", update=False)
        self.stylesheet.set_variables(self.get_css_variables())
        plain.dress(self, self.paint.ascii)
        self.palette = Palette(self.theme_variables, self.no_color)

    def learn_themes(self) -> list[Look]:
        """Every theme there is; told is what is wrong with a file, once."""
        known, wrong = self.wardrobe.all()
        for look in known:
            self.register_theme(look)
        for told in wrong:
            self.notify(told, severity="warning", timeout=15, markup=False)
        return known

    def _dress(self) -> None:
        self.palette = Palette(self.get_css_variables(), self.no_color)
        for screen in self.screen_stack:
            for widget in screen.query("*"):
                widget.refresh()
            screen.refresh()

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

    def key_label(self, key: keymap.Key) -> str:
        """The first of them, as it is told."""
        return keymap.label(self.keys_of(key))

    # -- what keys do, wherever they are pressed --

    def action_help(self) -> None:
        """Every key."""
        from itdash.views.tui.screens.help import Help

        self.push_screen(Help())

    def action_themes(self) -> None:
        """Choose a theme."""
        from itdash.views.tui.screens.themes import Themes

        known = self.learn_themes()
        self.push_screen(Themes(known, self.theme))

    def action_command_palette(self) -> None:
        """Every action by its name."""
        from textual.command import CommandPalette

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

    def compare(self, folder: Path) -> None:
        """Hold a run against its baseline, in a thread of its own: the history may be long."""
        self.run_worker(partial(self._compare, folder), thread=True, exclusive=True)

    def _compare(self, folder: Path) -> None:
        from itdash.history.against import against
        from itdash.views.tui.screens.changes import Changes

        base = self.loaded.root / self.config.directory
        try:
            found = against(base, "", folder.name if folder.parent == base / "runs" else str(folder))
        except (ItdashError, OSError) as error:
            told = "\n".join(error.lines()) if isinstance(error, ItdashError) else str(error)
            self.call_from_thread(self.notify, told, severity="warning", markup=False, timeout=15)
            return
        self.call_from_thread(self.push_screen, Changes(found))

    def _open_run(self, folder: Path | None) -> None:
        """Read a run in a thread of its own, for it may be large."""
        if folder is not None:
            self.notify(f"reading {folder.name}", markup=False, timeout=2)
            self.run_worker(partial(self._read_run, folder), thread=True, exclusive=True)

    def _read_run(self, folder: Path) -> None:
        from itdash.views.tui.board import past

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
                    key.words, f"{key.group}, key {self.key_label(key)}",
                    lambda action=action: self.call_later(screen.run_action, action),
                )  # fmt: skip
