"""The tree of suites, files, classes and tests, drawn a line at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.geometry import Region
from textual.message import Message

from itdash.render import tree as draw
from itdash.render.text import one_line
from itdash.state.browse import ORDERS, SHOWN, Browse
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.render.spans import Spans
    from itdash.state.outline import Node, Outline

_FEW: Final = 200
_AROUND: Final = 2


class Tree(Lines):
    """Suites and tests; the cursor stays on its test while lines come and go."""

    class Highlighted(Message):
        """The cursor is on another node."""

        def __init__(self, node: Node | None) -> None:
            super().__init__()
            self.node = node

        def can_replace(self, message: Message) -> bool:
            """Only the last one matters."""
            return isinstance(message, Tree.Highlighted)

    chooses = keeps = True
    BORDER_TITLE = "1 Tests"

    def __init__(self, outline: Outline, hint: Callable[[], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hint = hint
        self.browse = Browse(outline)
        self.now = 0
        self.following = True
        self._told: Node | None = None
        self._marked: list[Node] = []
        self._unfolded = -1

    # -- lines --

    def count(self) -> int:
        """How many nodes are shown; a hint says why there is none."""
        return len(self.browse.rows) or len(self._hints())

    def line(self, place: int, width: int) -> Spans:
        """A node's line."""
        browse = self.browse
        if not browse.rows:
            return [("dim", f" {self._hints()[place]}")]
        return draw.line(
            browse.rows[place], width, self.now, browse.outline.longest, self.paint, forced=browse.filtered
        )

    def _hints(self) -> list[str]:
        from textwrap import wrap

        return wrap(one_line(self._hint()), max(10, self.scrollable_content_region.width - 2)) or [""]

    def renew(self) -> None:
        """Take in what was added, keep the cursor on its node, and draw."""
        node = self.node
        self._unfold()
        if self.browse.refresh() and node is not None:
            self._put_on(node)
        if self.following:
            self._follow()
        marked = len(self.marked())
        told = [f"{marked} marked"] if marked else []
        self.border_subtitle = ", ".join([*told, *filter(None, [self.browse.described])])
        super().renew()
        self._tell()

    @property
    def node(self) -> Node | None:
        """What the cursor is on."""
        rows = self.browse.rows
        return rows[min(self.cursor, len(rows) - 1)] if rows else None

    def action_move(self, by: int) -> None:
        """Go up or down, and no longer with the run."""
        self.following = False
        super().action_move(by)

    def action_edge(self, end: bool) -> None:
        """Go to the first line or the last, and no longer with the run."""
        self.following = False
        super().action_edge(end)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell what the cursor is on."""
        super().watch_cursor(old, new)
        self._tell()

    def _tell(self) -> None:
        if self.node is not self._told:
            self._told = self.node
            self.post_message(self.Highlighted(self.node))

    def _unfold(self) -> None:
        """So few tests that all can be seen need not be looked for."""
        outline = self.browse.outline
        if self._unfolded != outline.version and len(outline.tests) <= _FEW:
            self._unfolded = outline.version
            self.browse.fold_all(True)

    def _follow(self) -> None:
        """Go with the test that runs, until the reader goes somewhere else."""
        node = self.browse.outline.root.now
        if node is not None:
            self._put_on(node)

    def settle(self) -> None:
        """The run is over: what failed first is what one wants to see."""
        if self.following:
            node = self.browse.failure(None, 1)
            if node is not None:
                self.go_to(node)
            else:
                self.cursor = 0
                self.show_cursor()
            self.renew()

    def _put_on(self, node: Node) -> None:
        """The node itself, or the branch that hides it."""
        place = self.browse.place_of(node)
        self.set_reactive(Lines.cursor, max(0, place))
        self.show_cursor()

    # -- what keys do, and the mouse --

    def on_mouse_scroll_up(self) -> None:
        """The reader looks elsewhere."""
        self.following = False

    def on_mouse_scroll_down(self) -> None:
        """The reader looks elsewhere."""
        self.following = False

    def clicked(self, place: int) -> None:
        """Choose a line; a branch that is chosen already opens or closes."""
        self.following = False
        node = self.node
        if place == self.cursor and node is not None and node.children is not None:
            self._set_open(node, not node.expanded)
        self.cursor = place

    def action_fold(self, open_it: bool) -> None:
        """Open a branch or go into it; close it or go to what holds it."""
        self.following = False
        node = self.node
        if node is None:
            return
        if open_it:
            if node.children is not None and not node.expanded:
                self._set_open(node, True)
            elif node.children:
                self.cursor += 1
        elif node.children is not None and node.expanded:
            self._set_open(node, False)
        elif node.parent is not None and node.parent.parent is not None:
            self.go_to(node.parent)

    def action_fold_all(self, open_it: bool) -> None:
        """Open or close every branch."""
        node = self.node
        self.browse.fold_all(open_it)
        self.renew()
        if node is not None:
            self._put_on(node)

    def _set_open(self, node: Node, open_it: bool) -> None:
        node.expanded = open_it
        self.browse.stale()
        self.renew()

    def action_mark(self) -> None:
        """Mark what the cursor is on, to be run with other marked ones."""
        node = self.node
        if node is not None:
            node.marked = not node.marked
            if node.marked:
                self._marked.append(node)
            else:
                self._marked.remove(node)
            self.following = False
            self.cursor += 1
            self.renew()
            self.refresh()

    def action_unmark(self) -> None:
        """Take all marks away."""
        for node in self._marked:
            node.marked = False
        self._marked.clear()
        self.renew()

    def marked(self) -> list[Node]:
        """What is marked, branches and tests."""
        self._marked = [node for node in self._marked if node.marked]  # others have left the screen
        return list(self._marked)

    def action_failure(self, by: int) -> None:
        """Go to the next or the last failure before this one."""
        self.following = False
        node = self.browse.failure(self.node, by)
        if node is None:
            self.app.notify("nothing has failed")
        else:
            self.go_to(node)

    def action_show_only(self) -> None:
        """Show all tests, or only those in one state."""
        browse = self.browse
        browse.narrow(shown=SHOWN[(SHOWN.index(browse.shown) + 1) % len(SHOWN)])
        self.renew()

    def action_sort(self) -> None:
        """Sort in another way."""
        browse = self.browse
        browse.sort(ORDERS[(ORDERS.index(browse.order) + 1) % len(ORDERS)])
        self.renew()

    def pick(self, ids: frozenset[str], about: str) -> None:
        """Show these tests only."""
        self.following = False
        self.browse.pick(ids, about)
        self.renew()

    def show_all(self) -> None:
        """Take every filter away."""
        self.browse.clear()
        self.renew()

    def find(self, text: str) -> None:
        """Show only what matches."""
        self.browse.narrow(text=text)
        self.renew()

    def go_to(self, node: Node) -> None:
        """Open what hides a node, take away a filter that does, and put the cursor on it."""
        if self.browse.hides(node):
            self.browse.clear()
        branch = node.parent
        while branch is not None:
            branch.expanded = True
            branch = branch.parent
        self.browse.stale()
        self.browse.refresh()
        place = self.browse.place_of(node)
        super().renew()
        self.cursor = max(0, place)
        # What stands around it, the branch that it is in above all, is seen too.
        if self.scrollable_content_region.height > 4 * _AROUND:
            around = Region(0, max(0, place - _AROUND), 1, 2 * _AROUND + 1)
            self.scroll_to_region(around, animate=False, force=True)
