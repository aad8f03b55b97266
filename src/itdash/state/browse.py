"""The part of an outline that a reader looks at: opened, filtered, sorted, as a list of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.state.outline import FAILING, OTHER, PASSED, PENDING, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.state.outline import Node, Outline

SHOWN: Final = ("all", "failing", "running", "not passed", "flaky or retried")
ORDERS: Final = ("as collected", "slowest first", "worst first")

_BADNESS: Final = {FAILING: 0, RUNNING: 1, OTHER: 2, PENDING: 3, PASSED: 4}


class Browse:
    """Lines are made anew when something is added, opened or asked for; not when a test changes colour."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.rows: list[Node] = []
        self.shown, self.order, self.text = SHOWN[0], ORDERS[0], ""
        self.ids: frozenset[str] = frozenset()
        self.about = ""
        self._version = -1

    @property
    def filtered(self) -> bool:
        """Whether only some tests are shown, so that every branch stands open."""
        return bool(self.text or self.ids) or self.shown != SHOWN[0]

    @property
    def live(self) -> bool:
        """Whether the lines depend on the state of tests, and not only on which there are."""
        return self.shown != SHOWN[0] or self.order != ORDERS[0]

    @property
    def described(self) -> str:
        """What is shown and how, where it is not simply all."""
        words = [self.shown] if self.shown != SHOWN[0] else []
        words += [f"of {self.about}"] if self.ids else []
        words += [f"/{self.text}"] if self.text else []
        words += [self.order] if self.order != ORDERS[0] else []
        return ", ".join(words)

    def hides(self, node: Node) -> bool:
        """Whether a filter leaves a test out."""
        matches = self._matcher()
        return matches is not None and not any(matches(test) for test in node.tests())

    def clear(self) -> None:
        """Show all."""
        self.text, self.shown, self.ids, self.about = "", SHOWN[0], frozenset(), ""
        self.stale()

    def pick(self, ids: frozenset[str], about: str) -> None:
        """Show these tests and no others; none shows all again."""
        self.ids, self.about = ids, about
        self.stale()

    def narrow(self, text: str | None = None, shown: str | None = None) -> None:
        """Show what matches a text, or what is in a state."""
        self.text = self.text if text is None else text
        self.shown = shown or self.shown
        self.stale()

    def sort(self, order: str) -> None:
        """Sort what stands below the same branch."""
        self.order = order
        self.stale()

    def stale(self) -> None:
        """The lines must be made anew."""
        self._version = -1

    def refresh(self) -> bool:
        """Make the lines anew where it is needed; whether it was."""
        if self._version == self.outline.version:
            return False
        self._version = self.outline.version
        self.rows = []
        matches = self._matcher()
        for child in self._sorted(self.outline.root):
            self._lay(child, matches)
        return True

    def place_of(self, node: Node) -> int:
        """The line of a node, or of the branch that hides it; -1 where there is none."""
        rows = set()
        above: Node | None = node
        while above is not None:
            rows.add(id(above))
            above = above.parent
        for place in range(len(self.rows) - 1, -1, -1):
            if id(self.rows[place]) in rows:
                return place
        return -1

    def fold_all(self, open_it: bool) -> None:
        """Open every branch, or all but the suites."""
        stack = [self.outline.root]
        while stack:
            for child in stack.pop().children or ():
                if child.children is not None:
                    child.expanded = open_it or child.kind == "suite"
                    stack.append(child)
        self.stale()

    def failure(self, start: Node | None, by: int) -> Node | None:
        """The next failing test after one, or the one before it; round and round."""
        failing = [node for node in self.outline.root.tests() if node.bucket == FAILING]
        if not failing:
            return None
        places = {id(node): place for place, node in enumerate(self.outline.root.tests())}
        if start is None or id(start) not in places:
            below = next(start.tests(), None) if start is not None else None
            here = places.get(id(below), 0) - 0.5
        else:
            here = places[id(start)]
        if by > 0:
            return next((node for node in failing if places[id(node)] > here), failing[0])
        return next((node for node in reversed(failing) if places[id(node)] < here), failing[-1])

    def _lay(self, node: Node, matches: Callable[[Node], bool] | None) -> bool:
        if node.children is None:
            if matches is None or matches(node):
                self.rows.append(node)
                return True
            return False
        place = len(self.rows)
        self.rows.append(node)
        if matches is None and not node.expanded:
            return True
        found = False
        for child in self._sorted(node):
            found |= self._lay(child, matches)
        if matches is not None and not found:
            del self.rows[place:]
            return False
        return True

    def _sorted(self, node: Node) -> list[Node]:
        children = node.children or []
        if self.order == "slowest first":
            return sorted(children, key=lambda child: -child.duration)
        if self.order == "worst first":
            return sorted(children, key=_badness)
        return children

    def _matcher(self) -> Callable[[Node], bool] | None:
        """Words that must all be in the id, those with `!` before them must not; and the state."""
        words = self.text.lower().split()
        wanted = [word for word in words if not word.startswith("!")]
        unwanted = [word[1:] for word in words if word.startswith("!") and len(word) > 1]
        state = _STATES[self.shown]
        ids = self.ids
        if not wanted and not unwanted and state is None and not ids:
            return None

        def matches(node: Node) -> bool:
            id = node.id.lower()
            return (
                (not ids or node.id in ids)
                and (state is None or state(node))
                and all(word in id for word in wanted)
                and not any(word in id for word in unwanted)
            )

        return matches


def _badness(node: Node) -> int:
    if node.counts is None:
        return _BADNESS[node.bucket]
    return min((_BADNESS[bucket] for bucket, count in enumerate(node.counts) if count), default=9)


_STATES: dict[str, Callable[[Node], bool] | None] = {
    "all": None,
    "failing": lambda node: node.bucket == FAILING,
    "running": lambda node: node.bucket == RUNNING,
    "not passed": lambda node: node.bucket != PASSED,
    "flaky or retried": lambda node: node.case is not None and node.case.attempts > 1,
}
