"""One test with all that is known of it, on the whole screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding
from textual.screen import Screen

from itdash.history.past import Past, of_test
from itdash.render import detail
from itdash.render.inspect import course, failure, frame, measured, output
from itdash.render.spans import spread
from itdash.render.text import one_line
from itdash.state.outline import FAILING, RUNNING
from itdash.views.tui import keymap
from itdash.views.tui.actions.pages import Pages
from itdash.views.tui.pictures import keys_line
from itdash.views.tui.screens.one_test import OneTest
from itdash.views.tui.screens.scrolls import MOVES, Scrolls
from itdash.views.tui.widgets.line import Line

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from itdash.render.spans import Spans
    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp
    from itdash.views.tui.board import Board
    from itdash.views.tui.widgets.tree import Tree

_EVERY: Final = 0.2
_AGAIN: Final = (
    *MOVES, "go.next-failure", "go.last-failure",
    "test.edit", "test.copy", "test.copy-failure", "test.debug", "app.help", "show.pause",
    "run.stop", *(f"go.panel-{place + 1}" for place in range(len(frame.SECTIONS))),
)  # fmt: skip
_FOOTER: Final = (
    ("Esc", "back"), ("Tab", "section"), ("go.next-failure", "next failure"), ("whole", "whole text"),
    ("run.selected", "run"), ("test.debug", "debug"), ("test.edit", "edit"), ("test.copy", "copy id"),
    ("test.copy-failure", "copy failure"), ("app.help", "help"),
)  # fmt: skip


def _bindings() -> list[BindingType]:
    """The keys of the dashboard that do the same here, wherever the user has them, and those for leaving."""
    return [
        *keymap.bindings(_AGAIN),
        Binding("i", "back", "back", show=False, id="test.view"),
        Binding("r", "run", "run this test", show=False, id="run.selected"),
        Binding("tab,right,l", "turn(1)", "next section", show=False, priority=True),
        Binding("shift+tab,left,h", "turn(-1)", "last section", show=False, priority=True),
        Binding("escape,q", "back", "back", show=False),
        Binding("w,enter", "whole", "the whole of a text that was cut", show=False),
        Binding("ctrl+c", "app.leave", "leave", show=False),
    ]


class Inspect(Scrolls, OneTest, Screen[None]):
    """The sections of one test; another failure is reached without leaving."""

    app: ItdashApp
    BINDINGS: ClassVar[list[BindingType]] = _bindings()
    AUTO_FOCUS = "#body"
    DEFAULT_CSS = """
    Inspect { layout: vertical; }
    """

    def __init__(self, board: Board, tests: Tree, node: Node) -> None:
        super().__init__()
        self.board, self.tests, self.node = board, tests, node
        self.section = frame.first_section(node, board.state)
        self.body = Pages(id="body")
        self._past: list[Past] | None = None
        self._read_of: object = None
        self._drawn: object = None
        self._place = -1  # of the text that is shown from its file

    def compose(self) -> ComposeResult:
        """The test, its sections, the lines of one, the keys."""
        yield Line(self._title, id="title")
        yield Line(self._tabs, id="tabs")
        yield self.body
        yield Line(self._footer, id="footer")

    def on_mount(self) -> None:
        """Draw, and go on drawing while something can change."""
        self.set_interval(_EVERY, self.renew)
        self.call_after_refresh(self.renew)

    def on_resize(self) -> None:
        """Another width breaks lines elsewhere."""
        self._leave_file()
        self.call_after_refresh(self.renew)

    @property
    def chosen(self) -> Node:
        """The test."""
        return self.node

    @property
    def current(self) -> Pages:
        """The lines of its section."""
        return self.body

    # -- drawing --

    def _title(self, width: int) -> Spans:
        board, paint = self.board, self.app.paint
        told = detail.title(self.node, board.state, board.now, paint, stages=False)
        return spread([("plain", " "), *told[:2]], told[2:], width, paint.glyph("cut"))

    def _tabs(self, _width: int) -> Spans:
        return frame.tabs(self.section, frame.filled(self.node, self.board.state), self.app.paint)

    def _footer(self, width: int) -> Spans:
        keys = [(id, word) for id, word in _FOOTER if id != "whole" or self._wholes()]
        return keys_line([(self._label(id), word) for id, word in keys], width)

    def _label(self, id: str) -> str:
        key = keymap.BY_ID.get(id)
        return self.app.key_label(key) if key else {"whole": "w"}.get(id, id)

    def renew(self) -> None:
        """Draw what changed."""
        node, board, width = self.node, self.board, self.body.scrollable_content_region.width
        if self.app.paused or not width:
            return
        if node.bucket == RUNNING:
            self.query_one("#title").refresh()
        self._read_history()
        live = board.changes if self.section in (frame.MEASURED, frame.REQUIREMENTS) else 0
        drawn = (node.id, node.case, node.bucket, node.stale, self.section, width, live, self._past)
        if self.body.paging or drawn == self._drawn:
            return
        self._drawn = drawn
        lines = self._lines(width)
        if not lines:
            lines = [[("dim", frame.hint(self.section, node))]]
        for line in self.query(Line):
            line.refresh()
        self.body.show(frame.wrapped(lines, width), frame.SECTIONS[self.section])

    def _lines(self, width: int) -> list[Spans]:
        node, state, paint = self.node, self.board.state, self.app.paint
        if self.section == frame.MEASURED:
            return measured.measured(node, state, paint)
        if self.section == frame.REQUIREMENTS:
            return measured.requirements(node, state, self.board.matrix(), paint)
        if self.section == frame.HISTORY:
            return course.history(self._runs(), width, paint)
        case = node.case
        if case is None or not case.outcome:
            return []
        if self.section == frame.FAILURE:
            return failure.failure(case)
        if self.section == frame.OUTPUT:
            return output.output(case)
        return course.stages(case, width, paint) if self.section == frame.STAGES else failure.stacks(case)

    # -- the runs before --

    def _runs(self) -> list[Past]:
        """The runs that are kept, oldest first, and the one that goes on."""
        runs = list(reversed(self._past or ()))
        case, run = self.node.case, self.board.state.run
        if case is None or not case.outcome or self.node.stale or run is None:
            return runs
        if all(past.run != run.run for past in runs):
            runs.append(Past(run.run, run.started, case.outcome, case.duration, case.attempts))
        return runs

    def _read_history(self) -> None:
        """Read once for each test and each end of a run, beside the screen."""
        wanted = (self.node.id, self.board.folder, self.board.state.finished is not None)
        if self.section == frame.HISTORY and wanted != self._read_of and self.board.folder is not None:
            self._read_of = wanted
            self.run_worker(self._read(), exclusive=True, group="history")

    async def _read(self) -> None:
        folder, id = self.board.folder, self.node.id
        if folder is not None:
            self._past = await asyncio.to_thread(lambda: list(of_test(folder.parent, id)))
            self.renew()

    # -- texts that were cut --

    def _wholes(self) -> list[output.Whole]:
        case = self.node.case
        return [one for one in output.wholes(case) if one.file] if case is not None else []

    def action_whole(self) -> None:
        """Page through the whole of a text that was cut, the next one, and back."""
        texts = self._wholes()
        if not texts or self.board.folder is None:
            self.notify("nothing was cut: what is shown is all there is")
            return
        place = self._place + 1
        if place >= len(texts):
            self._choose(self.section)
            return
        one = texts[place]
        try:
            self.body.open(self.board.folder / one.file, f"{one.name} in {one.stage}: {one_line(one.file)}")
            self._place = place
        except (OSError, ValueError) as error:
            self.notify(f"it cannot be read: {one_line(str(error))}", severity="error", markup=False)
            self._choose(self.section)

    def _leave_file(self) -> None:
        self.body.close()
        self._place, self._drawn = -1, None

    # -- what keys do --

    def _choose(self, section: int) -> None:
        self._leave_file()
        self.section = section
        self.body.scroll_home(animate=False)
        self.renew()

    def action_panel(self, number: int) -> None:
        """To a section."""
        self._choose(number - 1)

    def action_turn(self, by: int) -> None:
        """To the section after or before."""
        self._choose((self.section + by) % len(frame.SECTIONS))

    def action_failure(self, by: int) -> None:
        """To another failure; the dashboard goes there too."""
        node = self.tests.browse.failure(self.node, by)
        if node is None:
            self.notify("nothing has failed")
            return
        self.tests.following = False
        self.tests.go_to(node)
        self.node, self._past = node, None
        telling = frame.filled(node, self.board.state)
        first = frame.first_section(node, self.board.state)
        self._choose(self.section if self.section in telling else first)

    def action_back(self) -> None:
        """Leave the text of a file, or the test."""
        if self.body.paging:
            self._choose(self.section)
        else:
            self.dismiss()

    def action_run(self) -> None:
        """Run this test."""
        self.app.run_tests({self.node.id})


def open_for(app: ItdashApp, board: Board, tests: Tree) -> None:
    """Inspect the test that the cursor is on; of a branch the first that failed, or its only test."""
    node = tests.node
    if node is None:
        app.notify("there is no test here")
        return
    below = list(node.tests()) if node.children is not None else [node]
    chosen = next((test for test in below if test.bucket == FAILING), below[0] if len(below) == 1 else None)
    if chosen is None:
        app.notify("nothing failed here: choose a test")
    else:
        app.push_screen(Inspect(board, tests, chosen))
