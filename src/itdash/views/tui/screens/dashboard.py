"""The dashboard: tests at the left, what was measured at the right, what failed below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Input

from itdash.render import latency
from itdash.views.tui import keymap
from itdash.views.tui.pictures import Pictures
from itdash.views.tui.widgets.line import Line
from itdash.views.tui.widgets.lines import Lines
from itdash.views.tui.widgets.panel import Panel
from itdash.views.tui.widgets.timeline import Timeline
from itdash.views.tui.widgets.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp
    from itdash.views.tui.board import Board

_WIDE, _HUGE = 100, 180
_TALL = 38


class Dashboard(Screen[None]):
    """Everything about the run that is shown."""

    BINDINGS: ClassVar[list[BindingType]] = keymap.bindings()
    AUTO_FOCUS = "#tests"
    DEFAULT_CSS = """
    Dashboard {
        layout: vertical;
        #body { height: 3fr; layout: vertical; }
        #side { height: 1fr; layout: vertical; }
        #measured, #proven { height: auto; layout: vertical; }
        #detail { height: 6; }
        &.-failing #detail { height: 1fr; min-height: 6; }
        #filter { height: 1; border: none; padding: 0 1; display: none; background: $surface; }
        #filter.-on { display: block; }
        #tests { height: 1fr; }

        &.-narrow {
            #body { height: 1fr; }
            #tests { height: 3fr; }
            #side { height: 2fr; min-height: 7; }
            #measured, #proven { height: 1fr; display: none; }
            #measured.-current, #proven.-current { display: block; }
            #side Panel { display: none; height: 1fr; }
            #side Panel.-current { display: block; }
            #side.-away { display: none; }
            #detail { display: none; }
            #detail.-current { display: block; height: 2fr; min-height: 7; }
        }
        &.-wide {
            #body { layout: horizontal; }
            #tests { width: 9fr; height: 100%; }
            #side { width: 11fr; height: 100%; }
            #measured { height: 2fr; }
            #proven { height: 1fr; }
        }
        &.-wide #resources, &.-wide #timeline { display: none; }
        &.-wide #resources.-called, &.-wide #timeline.-called { display: block; }
        &.-tall #resources, &.-huge #resources, &.-huge #timeline { display: block; }
        &.-tall #proven { height: 2fr; }
        &.-huge {
            #tests { width: 2fr; }
            #side { width: 4fr; layout: horizontal; }
            #measured { width: 3fr; height: 100%; }
            #proven { width: 2fr; height: 100%; }
        }
    }
    """

    app: ItdashApp

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
        self.detail = Panel("7 Detail", self._pictures.detail, lambda: "no test is chosen", id="detail")
        self._current: Panel = self.concurrency

    def compose(self) -> ComposeResult:
        """The places of the panels; sheets of style move them with the size."""
        yield self.header
        with Container(id="body"):
            yield self.tests
            with Container(id="side"):
                with Container(id="measured"):
                    yield self.concurrency
                    yield self.latency
                    yield self.timeline
                with Container(id="proven"):
                    yield self.requirements
                    yield self.resources
        yield self.detail
        yield Input(placeholder="words that must be in the id; !word must not", id="filter", compact=True)
        yield Line(self._pictures.footer, id="footer")

    @property
    def panels(self) -> dict[int, Lines]:
        """Every panel by its number."""
        measured = (self.concurrency, self.latency, self.requirements, self.resources, self.timeline)
        return dict(enumerate((self.tests, *measured, self.detail), 1))

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

    def on_resize(self, event: events.Resize) -> None:
        """Choose the arrangement for the size."""
        width, height = event.size
        kept = {"-failing"} & self.classes
        if width < _WIDE:
            kept.add("-narrow")
        else:
            kept |= {"-wide", "-huge"} if width >= _HUGE else {"-wide"}
        if height >= _TALL:
            kept.add("-tall")
        if kept != self.classes:
            self.set_classes(kept)
        if width < _WIDE:
            self._choose(self._current)

    def on_tree_highlighted(self) -> None:
        """Another test is looked at."""
        self.detail.scroll_home(animate=False)
        self.detail.renew()

    async def on_line_clicked(self, message: Line.Clicked) -> None:
        """Do what a key in the last line does: a key and its word are two pieces, after a blank one."""
        if message.line.id == "footer" and message.piece > 0:
            await self.run_action(keymap.FOOTER[(message.piece - 1) // 2].action)

    # -- what keys do --

    def _focused(self) -> Lines:
        return self.focused if isinstance(self.focused, Lines) else self.tests

    def action_move(self, by: int) -> None:
        """Up or down in the panel that has the focus."""
        self._focused().action_move(by)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self._focused().action_page(by)

    def action_edge(self, end: bool) -> None:
        """To the first or last line."""
        self._focused().action_edge(end)

    def action_panel(self, number: int) -> None:
        """To a panel; where there is room for one only, that one is shown."""
        panel = self.panels.get(number)
        if panel is None:
            return
        if isinstance(panel, Panel):
            self._current = panel
            if self.has_class("-narrow"):
                self._choose(panel)
        if self.maximized is not None or not panel.display:
            self._fill(panel)
        panel.focus()

    def _choose(self, panel: Panel) -> None:
        """Where there is room for one panel, show this one in the place of the one that was there."""
        for other in self.query(Panel):
            other.set_class(other is panel, "-current")
        for column in ("#measured", "#proven"):
            self.query_one(column).set_class(panel in self.query_one(column).children, "-current")
        self.query_one("#side").set_class(panel is self.detail, "-away")
        self.call_after_refresh(panel.renew)

    def action_zoom(self) -> None:
        """Fill the screen with the panel that has the focus, or go back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self._fill(self._focused())

    def _fill(self, panel: Lines) -> None:
        """Fill the screen with a panel, also with one that has no room beside the others."""
        self.query(".-called").remove_class("-called")
        panel.add_class("-called")
        self.maximize(panel, container=False)

    def minimize(self) -> None:
        """Also when textual's own Escape does it."""
        super().minimize()
        self.query(".-called").remove_class("-called")

    def action_filter(self) -> None:
        """Open the line for the filter."""
        line = self.query_one("#filter", Input)
        line.add_class("-on")
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches, with every letter."""
        self.tests.find(event.value)

    def on_input_submitted(self) -> None:
        """Back to the tests; the filter stays."""
        self._leave_filter()

    def _leave_filter(self) -> None:
        line = self.query_one("#filter", Input)
        line.set_class(bool(line.value), "-on")
        self.tests.focus()

    def key_escape(self) -> None:
        """Leave the filter line, or show all again, or leave an older run, or go to the tests."""
        line = self.query_one("#filter", Input)
        if line.has_focus and line.value:
            self._leave_filter()
        elif self.tests.browse.filtered or line.has_class("-on"):
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
            run = self.board
            self.app.push_screen(OperationScreen(rows[place - 1].name, lambda: (run.state, run.now)))

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

    def action_view(self) -> None:
        """All that is known of a test."""
        from itdash.views.tui.screens.inspect import open_for

        open_for(self.app, self.board, self.tests)

    def action_edit(self) -> None:
        """Open a test in an editor."""
        from itdash.views.tui.actions.editor import edit

        self._with_node(edit)

    def action_copy(self) -> None:
        """Copy the id of a test."""
        from itdash.views.tui.actions.clipboard import copy_id

        self._with_node(copy_id)

    def action_copy_failure(self) -> None:
        """Copy why a test failed."""
        from itdash.views.tui.actions.clipboard import copy_failure

        self._with_node(copy_failure)

    def action_debug(self) -> None:
        """Run a test under pdb."""
        from itdash.views.tui.actions.debug import debug

        self._with_node(debug)

    def _with_node(self, act: Callable[[ItdashApp, Node], object]) -> None:
        if self.tests.node is not None:
            act(self.app, self.tests.node)

    def action_choose(self) -> None:
        """Open what the line of a panel is about; open or close a branch; run a test."""
        focused, node = self._focused(), self.tests.node
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
        for node in self.tests.marked():
            node.marked = False
        self.tests.refresh()

    def action_failure(self, by: int) -> None:
        """To another failure."""
        self.tests.action_failure(by)

    def action_show_only(self) -> None:
        """Show tests in one state only."""
        self.tests.action_show_only()

    def action_sort(self) -> None:
        """Sort the tests in another way."""
        self.tests.action_sort()
