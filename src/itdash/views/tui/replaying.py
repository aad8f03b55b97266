"""The dashboard over a recording: the same screen, fed by a clock that can be held and turned back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn

from itdash.errors import ItdashError
from itdash.render import transport
from itdash.render.paint import paint_for
from itdash.runner.command import Request
from itdash.session import Session
from itdash.views.tui import keymap
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.board import Board
from itdash.views.tui.screens.dashboard import Dashboard
from itdash.views.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from itdash.config import Config, Loaded
    from itdash.history.playback import Playback
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.runner.command import Request as Asked
    from itdash.session import Planned, Terms

_TURNS: Final = 6
_SECONDS: Final = 1_000_000_000


class NoRuns(Session):
    """Stands where a session would: nothing is run while a recording is shown."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.views, self.execution = terms, (), None

    def planned(self, request: Asked, config: Config) -> Planned:  # noqa: ARG002
        """Say what does run tests."""
        raise ItdashError(
            "this is a recording, and runs no tests",
            mend="`itdash launch --rerun RUN` runs what failed in a recorded run",
        )

    def prepare(self) -> None:
        """Nothing will follow."""

    def close(self) -> None:
        """Nothing was started."""


class Replay(Dashboard):
    """A dashboard with a line that tells how far the recording has played."""

    app: ReplayApp
    BINDINGS: ClassVar[list[BindingType]] = keymap.bindings(key.id for key in keymap.REPLAY)

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.transport = Line(self._transport, id="transport")

    def compose(self) -> ComposeResult:
        """The line stands below all others."""
        yield from super().compose()
        yield self.transport

    def _transport(self, width: int) -> Spans:
        playback = self.app.playback
        keys = [(self.app.key_label(key), key.footer) for key in keymap.REPLAY if key.footer]
        player = playback.player
        return transport.line(
            player.at, player.length, playback.speed, playback.playing, keys, width, self.app.paint
        )

    def action_here(self) -> None:
        """To the moment at which the chosen test began."""
        node = self.tests.node
        try:
            self.app.playback.go_to(self.app.playback.player.start_of(node.id if node else ""))
        except ItdashError:
            self.app.notify("this is no test that ran")


class ReplayApp(ItdashApp):
    """One recording on the screen."""

    dashboard: Replay

    def __init__(
        self, playback: Playback, folder: Path, loaded: Loaded, terms: Terms, paint: Paint,
        write: Callable[[Path], Sequence[Path]],
    ) -> None:  # fmt: skip
        board = Board()
        super().__init__(NoRuns(terms), loaded, Request(), board, paint, write)
        self.playback = playback
        self.dashboard = Replay(board)
        board.begin(playback.player.state, folder)

    def tick(self) -> None:
        """Play on, or draw: in turn."""
        player, board = self.playback.player, self.board
        self._ticks += 1
        if self._ticks % 2:
            before = player.at
            taken = self.playback.advance()
            if taken or player.at != before:
                board.show(player.state, taken, player.at)
                board.changes += not taken
        else:
            changed = board.changes != self._seen
            self._seen = board.changes
            if changed:
                self.dashboard.renew(
                    changed=True, turn=self._ticks // 2 % _TURNS if self.playback.playing else -1
                )
            self.dashboard.transport.renew()

    def action_pause(self) -> None:
        """Hold the recording, or play on."""
        self.playback.hold()
        self._seen = -1  # while it plays panels are drawn in turn; held, all show one moment

    def action_faster(self, up: bool) -> None:
        """To the next speed."""
        self.playback.faster(up)

    def action_step(self, forward: bool) -> None:
        """To where the next test begins or ends."""
        self.playback.step(forward)

    def action_skip(self, seconds: int) -> None:
        """Some seconds on or back."""
        self.playback.skip(seconds * _SECONDS)

    def _go(self) -> None:
        self.exit(0)


def open_replay(
    playback: Playback, folder: Path, loaded: Loaded, terms: Terms, write: Callable[[Path], Sequence[Path]]
) -> int:
    """Show a recording until the user leaves."""
    paint = paint_for(sys.stdout, ascii_only=loaded.config.ascii)
    code = ReplayApp(playback, folder, loaded, terms, paint, write).run()
    return _broke() if code is None else code


def _broke() -> NoReturn:
    raise ItdashError("the screen broke", mend="`itdash replay --headless` prints lines")
