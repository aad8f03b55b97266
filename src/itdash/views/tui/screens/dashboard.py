"""The dashboard: what its panels draw, and what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from itdash.render import latency
from itdash.views.tui import keymap
from itdash.views.tui.pictures import Pictures
from itdash.views.tui.screens.arranged import Arranged
from itdash.views.tui.screens.one_test import OneTest
from itdash.views.tui.widgets.line import Line
from itdash.views.tui.widgets.panel import Panel
from itdash.views.tui.widgets.timeline import Timeline
from itdash.views.tui.widgets.tree import Tree

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widgets import Input

    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp
    from itdash.views.tui.board import Board


class Dashboard(OneTest, Arranged):
    """Everything about the run that is shown."""

    app: ItdashApp
    BINDINGS: ClassVar[list[BindingType]] = [
        *keymap.bindings(key.id for key in keymap.KEYS),
        Binding("enter", "keep_filter", "keep the filter", show=False, priority=True),
    ]

    def __init__(self, board: Board, note: str = "") -> None:
        super().__init__()
        self.board, self.note = board, note
        self._pictures = Pictures(self)
        self.tests = Tree(board.outline, self._pictures.no_tests, id="tests")
        self.header = Line(self._pictures.header, id="header")
        self.concurrency = Panel(
            "2 Concurrency", self._pictures.concurrency, self._pictures.no_operations, id="concurrency"
        )
        self.latency = Panel(
            "3 Latency",
            self._pictures.latency,
            self._pictures.no_operations,
            id="latency",
            choose=self._open_operation,
        )
        self.timeline = Timeline(
            "6 Timeline",
            board.lanes,
            lambda: (board.state, board.now),
            self._pictures.no_operations,
            id="timeline",
        )
        self.requirements = Panel(
            "4 Requirements", self._pictures.requirements, self._pictures.no_requirements, id="requirements",
            choose=self._open_requirement,
        )  # fmt: skip
        self.resources = Panel(
            "5 Resources", self._pictures.resources, lambda: "nothing is sampled yet", id="resources"
        )
        self.footer = Line(self._pictures.footer, id="footer")
        self.detail = Panel("7 Detail", self._pictures.detail, lambda: "no test is chosen", id="detail")

    @property
    def chosen(self) -> Node | None:
        """What the cursor is on."""
        return self.tests.node

    # -- drawing --

    def renew(self, changed: bool = True, turn: int = -1) -> None:
        """Draw what changed: the tests now, the other panels each at its turn, or all of them."""
        if changed or turn == 0:
            self.header.renew()
            self.set_class(bool(self.board.state.failing), "-failing")
            self.tests.now = self.board.now
            self.tests.renew()
        for place, panel in enumerate(self.query(Panel)):
            if turn in (-1, place):
                panel.renew()

    def on_mount(self) -> None:
        """An older run does not change: it is drawn once."""
        if self.note:
            self.call_after_refresh(self.settle)

    def settle(self) -> None:
        """The run is over."""
        self.renew()
        self.tests.settle()

    def on_tree_highlighted(self) -> None:
        """Another test is looked at."""
        self.detail.scroll_home(animate=False)
        self.detail.renew()

    async def on_line_clicked(self, message: Line.Clicked) -> None:
        """Do what a key in the last line does: a key and its word are two pieces, after a blank one."""
        if message.line.id == "footer" and message.piece > 0:
            await self.run_action(keymap.FOOTER[(message.piece - 1) // 2].action)

    # -- what keys do --

    async def action_filter(self) -> None:
        """Open the line for the filter, above the last one."""
        from itdash.views.tui.widgets.filter import Filter

        line = self._filter
        if line is None:
            line = Filter()
            await self.mount(line, before=self.footer)
        line.display = True
        self.set_focus(line)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Within the filter the key that opens it is a letter like others, and Enter leaves it."""
        if action in ("filter", "keep_filter"):
            within = self._filter is not None and self.focused is self._filter
            return within == (action == "keep_filter")
        return super().check_action(action, parameters)

    @property
    def _filter(self) -> Input | None:
        """The line for the filter, once it was asked for."""
        return next((widget for widget in self.children if widget.id == "filter"), None)  # type: ignore[return-value]

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches, with every letter."""
        self.tests.find(event.value)

    def action_keep_filter(self) -> None:
        """Back to the tests; the filter stays."""
        self._leave_filter()

    def _leave_filter(self) -> None:
        if self._filter is not None:
            self._filter.display = bool(self._filter.value)
        self.set_focus(self.tests)

    def key_escape(self) -> None:
        """Leave the filter line, or show all again, or leave an older run, or go to the tests."""
        line = self._filter
        if line is not None and self.focused is line and line.value:
            self._leave_filter()
        elif self.tests.browse.filtered or (line is not None and line.display):
            if line is not None:
                line.value = ""
            self.tests.show_all()
            self._leave_filter()
        elif self.note:
            self.app.pop_screen()
        else:
            self.tests.focus()

    def _open_operation(self, place: int) -> None:
        from itdash.views.tui.screens.operation import OperationScreen

        rows = latency.ordered(self.board.state)
        if 0 < place <= len(rows):
            self.app.push_screen(OperationScreen(rows[place - 1].name, self.board))

    def _open_requirement(self, place: int) -> None:
        """Show the tests of a requirement among the tests."""
        if place < len(self._pictures.shown) and self._pictures.shown[place].tests:
            if self.maximized is not None:
                self.minimize()
            self.tests.pick(frozenset(self._pictures.shown[place].tests), self._pictures.shown[place].about)
            self.tests.focus()

    def on_timeline_chosen(self, message: Timeline.Chosen) -> None:
        """Go to a test that was found in the timeline."""
        node = self.board.outline.tests.get(message.id)
        if node is not None:
            if self.maximized is not None:
                self.minimize()
            self.tests.go_to(node)
            self.tests.focus()

    def action_export(self) -> None:
        """Write the run that is shown as documents, once it is over."""
        if self.board.state.finished is None or self.board.folder is None:
            self.app.notify("the run is not over yet")
        else:
            self.app.export(self.board.folder)

    def action_compare(self) -> None:
        """What the run that is shown changed, once it is over."""
        if self.board.state.finished is None or self.board.folder is None:
            self.app.notify("the run is not over yet")
        else:
            self.app.compare(self.board.folder)

    def action_view(self) -> None:
        """All that is known of a test."""
        from itdash.views.tui.screens.inspect import open_for

        open_for(self.app, self.board, self.tests)

    def action_choose(self) -> None:
        """Open what the line of a panel is about; open or close a branch; run a test."""
        focused, node = self.current, self.tests.node
        if isinstance(focused, Panel):
            focused.action_choose()
        elif node is not None and node.children is not None:
            self.tests.action_fold(not node.expanded)
        elif node is not None:
            self.app.run_tests([node.id])

    def action_run_selected(self) -> None:
        """Run what is marked, or what the cursor is on."""
        chosen = self.tests.marked() or ([self.tests.node] if self.tests.node else [])
        ids = {test.id for node in chosen for test in node.tests()}
        if ids:
            self.app.run_tests(ids)
        else:
            self.notify("there is no test here")

    def action_fold(self, open_it: bool) -> None:
        """Open or close a branch."""
        self.tests.action_fold(open_it)

    def action_fold_all(self, open_it: bool) -> None:
        """Open or close all."""
        self.tests.action_fold_all(open_it)

    def action_mark(self) -> None:
        """Mark what the cursor is on."""
        self.tests.action_mark()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.tests.action_unmark()

    def action_failure(self, by: int) -> None:
        """To another failure."""
        self.tests.action_failure(by)

    def action_show_only(self) -> None:
        """Show tests in one state only."""
        self.tests.action_show_only()

    def action_sort(self) -> None:
        """Sort the tests in another way."""
        self.tests.action_sort()
