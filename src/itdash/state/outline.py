"""Suites, files, classes and tests as a tree that lives through several runs, with counts on every branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.events import model
from itdash.measure.latency import Histogram
from itdash.state.cases import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from itdash.state.run import RunState

PENDING, RUNNING, PASSED, FAILING, OTHER = range(5)
"""The places of the counts of a branch."""

_TURNS: Final = frozenset({model.CaseStarted, model.CaseFinished, model.CaseAborted})


class Node:
    """A suite, a file, a class or a test; a test has no children and knows its case."""

    __slots__ = (
        "bucket", "case", "children", "counts", "depth", "duration", "expanded", "id", "kind", "marked",
        "name", "now", "number", "order", "parent", "stale", "started",
    )  # fmt: skip

    def __init__(self, kind: str, name: str, id: str, parent: Node | None, order: int = 0) -> None:
        self.kind, self.name, self.id, self.parent, self.order = kind, name, id, parent, order
        self.depth: int = -1 if parent is None else parent.depth + 1
        self.children: list[Node] | None = None if kind == "test" else []
        self.counts: list[int] | None = None if kind == "test" else [0] * 5
        self.expanded = self.marked = self.stale = False
        self.duration = self.started = 0
        self.number = -1
        self.bucket = PENDING
        self.case: Case | None = None
        self.now: Node | None = None  # of a branch: the test below that began last and still runs

    @property
    def total(self) -> int:
        """How many tests are below, or 1 for a test."""
        return sum(self.counts) if self.counts is not None else 1

    @property
    def ended(self) -> int:
        """How many tests below have ended."""
        return sum(self.counts[PASSED:]) if self.counts is not None else int(self.bucket >= PASSED)

    def tests(self) -> Iterator[Node]:
        """Every test below, or the test itself."""
        if self.children is None:
            yield self
            return
        for child in self.children:
            yield from child.tests()


class Outline:
    """Kept up from the events of the run that goes on; what earlier runs told stays, marked as stale."""

    def __init__(self) -> None:
        self.root = Node("root", "", "", None)
        self.root.expanded = True
        self.tests: dict[str, Node] = {}
        self.version = 0
        """Changes whenever a node was added or removed."""
        self.longest = 0
        """The longest that a test took."""
        self.stages = {name: Histogram() for name in ("setup", "call", "teardown")}
        """What the stages of the tests of this run took."""
        self._branches: dict[tuple[str, ...], Node] = {}
        self._looked_into: set[str] = set()  # files, in this run
        self._found: set[str] = set()

    def failing(self) -> list[str]:
        """The ids of the tests that failed when they last ran."""
        return [node.id for node in self.tests.values() if node.bucket == FAILING]

    def standing(self, state: RunState) -> int:
        """How many failed in an earlier run and were not run since."""
        counts = self.root.counts or [0] * 5
        files = {problem.node for problem in state.uncollected if problem.outcome == "failed"}
        return max(0, counts[FAILING] - len(state.failing) - len(files))

    def begin(self) -> None:
        """Another run starts: what is known is of an earlier one until it runs again."""
        self.stages = {name: Histogram() for name in self.stages}
        self._looked_into.clear()
        self._found.clear()
        for node in self.tests.values():
            if node.bucket in (PENDING, RUNNING):
                self._count(node, PENDING, 0)
            node.stale, node.number = True, -1

    def take(self, state: RunState, events: Sequence[model.AnyEvent]) -> None:
        """Follow the events, which the state holds already."""
        for event in events:
            kind = type(event)
            if kind in _TURNS:
                self._sync(state, event.case)  # type: ignore[union-attr]
            elif kind is model.StageFinished:
                if event.stage == "crash":  # type: ignore[union-attr]
                    self._sync(state, event.case)  # type: ignore[union-attr]
            elif kind is model.CasesCollected:
                self._collected(state, event)  # type: ignore[arg-type]
            elif kind is model.CollectorStarted:
                self._looked_into.add(event.node)  # type: ignore[union-attr]
            elif kind is model.CollectionFailed:
                self._not_collected(state, event)  # type: ignore[arg-type]
            elif kind is model.CollectionFinished:
                self._collection_over(state, event)  # type: ignore[arg-type]
            elif kind is model.RunFinished:
                self._finished(state)

    def remove(self, ids: Iterable[str]) -> None:
        """These tests are there no more."""
        for id in ids:
            if id in self.tests:
                self._drop(self.tests[id])

    def _collected(self, state: RunState, event: model.CasesCollected) -> None:
        for row in event.cases:
            case = state.cases.get(row.id)
            if case is not None:
                node = self.tests.get(row.id) or self._add(state, case)
                node.stale = True
                self._found.add(row.id)

    def _collection_over(self, state: RunState, event: model.CollectionFinished) -> None:
        """What is not there any more leaves: a file's mistake that was mended, tests of another name."""
        if state.deselected or event.left_out:
            gone = [file for file in self._looked_into if file in self.tests]
        else:
            gone = [id for id in self.tests if _file(id) in self._looked_into and id not in self._found]
        broken = {_file(problem.node) for problem in state.uncollected if problem.outcome == "failed"}
        self.remove(id for id in gone if _file(id) not in broken)

    def _drop(self, node: Node) -> None:
        """Take a test away, and the branches that held nothing else."""
        if node.bucket == RUNNING:
            return
        self._count(node, PENDING, 0)
        del self.tests[node.id]
        node.marked = False
        self.version += 1
        branch = node.parent
        while branch is not None:
            branch.counts[PENDING] -= 1  # type: ignore[index]
            if not node.children:
                branch.children.remove(node)  # type: ignore[union-attr]
                self._branches = {key: one for key, one in self._branches.items() if one is not node}
            node, branch = branch, branch.parent

    def _not_collected(self, state: RunState, event: model.CollectionFailed) -> None:
        """A file that could not be imported stands among the tests, as one that failed."""
        if event.outcome != "failed":
            return
        stage = model.StageFinished(event.t, -1, "setup", "failed", 0, "error", event.detail)
        node_id = event.node or "(root)"
        case = Case(
            node_id,
            state.names.of(node_id),
            outcome="error",
            reports=(stage,),
            started=event.t,
            ended=event.t,
        )
        node = self.tests.get(node_id) or self._add(state, case)
        node.name, node.stale = f"{state.names.within(node_id)} cannot be collected", False
        self._count(node, FAILING, 0)
        node.case = case

    def _add(self, state: RunState, case: Case) -> Node:
        """The node of a test that was not known, and its branches."""
        file, *parts = case.id.split("::") if "[" not in case.id else _split(case.id)
        names = state.names
        key: tuple[str, ...] = ("suite", case.suite)
        parent = self._branches.get(key) or self._branch(
            key, names.titles.get(case.suite, case.suite), self.root
        )
        if parts and file != case.suite:
            key = ("file", case.suite, file)
            parent = self._branches.get(key) or self._branch(key, names.within(file), parent)
        for place in range(len(parts) - 1):
            key = ("class", file, *parts[: place + 1])
            parent = self._branches.get(key) or self._branch(key, parts[place], parent)
        node = Node("test", parts[-1] if parts else case.id, case.id, parent, len(self.tests))
        self._hang(node, parent)
        self.tests[case.id] = node
        branch: Node | None = parent
        while branch is not None:
            branch.counts[PENDING] += 1  # type: ignore[index]
            branch = branch.parent
        return node

    def _branch(self, key: tuple[str, ...], name: str, parent: Node) -> Node:
        id = key[1] if key[0] == "suite" else "::".join(key[1:] if key[0] == "class" else key[2:])
        node = self._branches[key] = Node(key[0], name, id, parent, len(self._branches))
        node.expanded = key[0] == "suite"
        self._hang(node, parent)
        return node

    def _hang(self, node: Node, parent: Node) -> None:
        parent.children.append(node)  # type: ignore[union-attr]
        self.version += 1

    def _sync(self, state: RunState, number: int) -> None:
        """Bring a test's node to where the state has the test."""
        id = state.ids.get(number)
        if id is None:
            return
        case = state.cases[id]
        node = self.tests.get(id) or self._add(state, case)
        node.number = number
        running = state.running.get(number)
        if running is not None:
            if node.bucket != RUNNING:
                self._count(node, RUNNING, 0)
            node.started = running.started
            node.stale = False
        elif node.case is not case or node.bucket == RUNNING:
            self._ended(node, case)

    def _ended(self, node: Node, case: Case) -> None:
        node.stale = False
        self._count(node, bucket_of(case), case.duration)
        self.longest = max(self.longest, case.duration)
        if len(case.durations) == len(self.stages):
            for histogram, duration in zip(self.stages.values(), case.durations, strict=True):
                histogram.record(max(0, duration))
        node.case = case

    def _finished(self, state: RunState) -> None:
        for case in state.cases.values():
            node = self.tests.get(case.id)
            if node is not None and (node.case is not case or node.bucket == RUNNING):
                self._ended(node, case)

    def _count(self, node: Node, bucket: int, duration: int) -> None:
        before, took = node.bucket, duration - node.duration
        node.bucket, node.duration = bucket, duration
        branch = node.parent
        while branch is not None:
            counts: list[int] = branch.counts  # type: ignore[assignment]
            counts[before] -= 1
            counts[bucket] += 1
            branch.duration += took
            if bucket == RUNNING:
                branch.now = node
            elif branch.now is node:
                branch.now = None
            branch = branch.parent


def _file(id: str) -> str:
    return id.partition("::")[0]


def bucket_of(case: Case) -> int:
    """Under which of the five counts a test stands."""
    if case.outcome in ("", "not run"):
        return PENDING
    if case.outcome == "passed":
        return PASSED
    return FAILING if case.failing else OTHER


def _split(id: str) -> list[str]:
    """A node id in its parts; what stands in brackets may hold the sign between them."""
    head, bracket, rest = id.partition("[")
    parts = head.split("::")
    parts[-1] += bracket + rest
    return parts
