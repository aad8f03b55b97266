"""What each panel draws: the pure functions of `render`, handed what the board holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.render import concurrency, coverage, detail, header, latency, stages, usage
from itdash.render.spans import width as wide
from itdash.render.text import one_line
from itdash.views.tui import keymap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.views.tui.screens.dashboard import Dashboard


def keys_line(keys: Iterable[tuple[str, str]], width: int) -> Spans:
    """Keys and a word for each, as many as there is room for: two pieces for each, after a blank one."""
    spans: Spans = [("plain", " ")]
    for label, word in keys:
        told = [("key", label), ("dim", f" {word}  ")]
        if wide(spans) + wide(told) > width:
            break
        spans += told
    return spans


class Pictures:
    """Belongs to one dashboard; every method takes columns and lines."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard, self._board = dashboard, dashboard.board
        self.shown: list[coverage.Shown] = []

    @property
    def _paint(self) -> Paint:
        return self._dashboard.app.paint

    def header(self, width: int) -> Spans:
        """The first line."""
        board, app = self._board, self._dashboard.app
        state = board.state
        return header.line(
            state, board.now, width, self._paint, paused=app.paused, note=self._note(),
            standing=board.outline.standing(state), stale=bool(app.saves and app.saves.problems),
        )  # fmt: skip

    def _note(self) -> Spans:
        """What the first line tells beside the run."""
        if self._dashboard.note:
            return [("dim", self._dashboard.note)]
        saves = self._dashboard.app.saves
        if saves is None:
            return []
        watching: Spans = [("running", f"{self._paint.glyph('watching')} watching")]
        return [("failed", one_line(saves.problems[0]))] if saves.problems else watching

    def footer(self, width: int) -> Spans:
        """A few keys, as many as there is room for."""
        return keys_line(((self._dashboard.app.key_label(key), key.footer) for key in keymap.FOOTER), width)

    def concurrency(self, width: int, height: int) -> list[Spans]:
        """How many ran at once."""
        board = self._board
        return concurrency.lines(board.state, board.now, width, self._paint, height, board.lanes)

    def latency(self, width: int, _height: int) -> list[Spans]:
        """How long operations took, or where there are none, the stages of the tests."""
        drawn = latency.lines(self._board.state, width, self._paint)
        return drawn or stages.lines(self._board.outline.stages, self._paint)

    def requirements(self, width: int, _height: int) -> list[Spans]:
        """What the tests verify; with the tests where the panel fills the screen."""
        whole = self._dashboard.maximized is self._dashboard.requirements
        self.shown = coverage.lines(self._board.matrix(), width, self._paint, whole)
        return [shown.spans for shown in self.shown]

    def resources(self, width: int, _height: int) -> list[Spans]:
        """What the run takes, and what must be told beside."""
        return usage.lines(self._board.state, width, self._paint)

    def detail(self, _width: int, _height: int) -> list[Spans]:
        """What the cursor is on."""
        board = self._board
        return detail.lines(self._dashboard.tests.node, board.state, board.now, self._paint)

    def no_tests(self) -> str:
        """Why there is no test to be seen."""
        state = self._board.state
        if self._dashboard.tests.browse.filtered:
            return "no test is like that; Escape shows all, v the next state"
        if state.finished:
            return state.finished.reason or "no tests were found"
        if not state.sessions:
            return "pytest is starting"
        return f"collecting, {state.found:,} found so far" if state.found else "collecting"

    def no_operations(self) -> str:
        """How to measure something."""
        if self._board.state.finished or self._board.state.collected:
            return 'nothing was measured yet: with probe.operation("name"): around what should be'
        return "waiting for the first test"

    def no_requirements(self) -> str:
        """How to declare some."""
        return 'none are declared: requirements.toml beside the tests, and @pytest.mark.requirement("id")'
