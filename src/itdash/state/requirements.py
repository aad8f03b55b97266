"""Which requirements the tests verify, computed anew from what was declared, claimed and reported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from itdash.errors import nearest
from itdash.events.model import CollectedCase, RequirementRow, RequirementsDeclared, SuiteSpec  # noqa: TC001
from itdash.state.cases import FAILING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itdash.state.run import RunState

VERIFIED, FAILED, RUNNING = "verified", "failing", "running"
UNTESTED, SKIPPED, UNKNOWN = "untested", "skipped only", "unknown id"
WORST_FIRST = (FAILED, RUNNING, UNTESTED, SKIPPED, VERIFIED)
"""A parent is as good as the worst of its children and of its own tests."""

_PASSED = frozenset({"passed", "xpassed"})
_PROVES_NOTHING = frozenset({"skipped", "xfailed"})
NOT_RUN = "not run"
NO_RESULT = frozenset({"", NOT_RUN, "interrupted"})


class Requirements:
    """What files declare and what marks claim, in whatever order both arrive."""

    __slots__ = ("claims", "declared")

    def __init__(self) -> None:
        self.declared: dict[tuple[str, str], RequirementsDeclared] = {}
        self.claims: dict[str, tuple[str, ...]] = {}

    def declare(self, event: RequirementsDeclared) -> None:
        """Take a file's requirements in."""
        self.declared[event.suite, event.file] = event

    def claim(self, row: CollectedCase) -> None:
        """Take in what a test's marks name."""
        if row.requirements:
            self.claims[row.id] = row.requirements


class Result(NamedTuple):
    """A test and its outcome: empty before it starts, `running`, or a word of the report; and its run."""

    id: str
    outcome: str
    run: str = ""

    def plain(self) -> dict[str, str]:
        """As plain values; a run is named where there can be several."""
        told = {"id": self.id, "outcome": self.outcome or NOT_RUN}
        return {**told, "run": self.run} if self.run else told


class Claim(NamedTuple):
    """A test that says which requirements of its suite it verifies."""

    suite: str
    ids: tuple[str, ...]
    result: Result


class Line(NamedTuple):
    """One requirement with its own tests; `own` is its status by these alone, empty for a parent without any.

    `verified` of `leaves` count the requirements without children below it, or itself.
    """

    row: RequirementRow
    depth: int
    leaf: bool
    status: str
    own: str
    tests: tuple[Result, ...]
    verified: int
    leaves: int


class Unknown(NamedTuple):
    """An id that tests name and no file of their suite has."""

    id: str
    tests: tuple[Result, ...]
    hint: str


class SuiteMatrix(NamedTuple):
    """The requirements of one suite, parents before their children."""

    suite: str
    files: tuple[str, ...]
    lines: tuple[Line, ...]
    unknown: tuple[Unknown, ...]

    @property
    def leaves(self) -> list[Line]:
        """The requirements that count: those without children."""
        return [line for line in self.lines if line.leaf]

    def having(self, *statuses: str) -> list[Line]:
        """The requirements without children that have one of these statuses."""
        return [line for line in self.leaves if line.status in statuses]


def plain(suite: SuiteMatrix) -> list[dict[str, Any]]:
    """The requirements of a suite as plain values, unknown ids after them."""
    told = [
        {
            "suite": suite.suite, "id": line.row.id, "title": line.row.title, "source": line.row.source,
            "parent": line.row.parent, "tags": list(line.row.tags), "status": line.status,
            "verified": line.verified, "leaves": line.leaves,
            "tests": [result.plain() for result in line.tests],
        }
        for line in suite.lines
    ]  # fmt: skip
    return told + [
        {
            "suite": suite.suite, "id": one.id, "title": "", "source": "", "parent": "", "tags": [],
            "status": UNKNOWN, "verified": 0, "leaves": 0, "tests": [result.plain() for result in one.tests],
        }
        for one in suite.unknown
    ]  # fmt: skip


class Owners:
    """Finds the requirements that a test may name: its declared suite's, or those nearest above its file."""

    def __init__(
        self, root: str, suites: Iterable[SuiteSpec], declared: Iterable[RequirementsDeclared]
    ) -> None:
        self._suites = {suite.name for suite in suites}
        self._folders = {
            os.path.normpath(os.path.join(root, os.path.dirname(part.file))): part.suite for part in declared
        }
        self._known: dict[str, str] = {}

    def of(self, path: str, suite: str) -> str:
        """The name for a test in the file `path` that belongs to `suite`."""
        if not self._folders or suite in self._suites:
            return suite
        folder = os.path.dirname(os.path.normpath(path))
        if folder not in self._known:
            above = folder
            while above not in self._folders and above != os.path.dirname(above):
                above = os.path.dirname(above)
            self._known[folder] = self._folders.get(above, suite)
        return self._known[folder]


def of_run(state: RunState) -> list[SuiteMatrix]:
    """The matrix of every suite of a run, as it is now."""
    known = state.requirements
    if not known.declared and not known.claims:
        return []
    return matrix(known.declared.values(), claims(state), state.finished is not None)


def claims(state: RunState, run: str = "") -> list[Claim]:
    """What each test of a run claims, and how it did."""
    known = state.requirements
    root = state.run.root if state.run else ""
    owners = Owners(root, state.run.suites if state.run else (), known.declared.values())
    now = {running.id for running in state.running.values()}
    found = []
    for nodeid, ids in known.claims.items():
        case = state.cases[nodeid]
        path = os.path.join(state.names.rootdir, case.file)
        outcome = RUNNING if nodeid in now else case.outcome
        found.append(Claim(owners.of(path, case.suite), ids, Result(nodeid, outcome, run)))
    return found


def matrix(
    declared: Iterable[RequirementsDeclared], claimed: Iterable[Claim], over: bool
) -> list[SuiteMatrix]:
    """Bring requirements and tests together; `over` tells that what has not run will not."""
    rows: dict[str, dict[str, RequirementRow]] = {}
    files: dict[str, list[str]] = {}
    for part in declared:
        files.setdefault(part.suite, []).append(part.file)
        of_suite = rows.setdefault(part.suite, {})
        for row in part.rows:
            of_suite.setdefault(row.id, row)
    tests: dict[str, dict[str, list[Result]]] = {suite: {} for suite in rows}
    for claim in claimed:
        by_id = tests.setdefault(claim.suite, {})
        for id in claim.ids:
            by_id.setdefault(id, []).append(claim.result)
    return [
        SuiteMatrix(
            suite,
            tuple(files.get(suite, ())),
            tuple(_lines(rows.get(suite, {}), by_id, over)),
            tuple(_unknown(suite, by_id, rows)),
        )
        for suite, by_id in tests.items()
        if by_id or rows.get(suite)
    ]


def _lines(
    rows: Mapping[str, RequirementRow], tests: Mapping[str, Sequence[Result]], over: bool
) -> list[Line]:
    tree = _in_tree(rows)
    children: dict[str, list[Line]] = {}
    made: dict[str, Line] = {}
    for id, depth, parent in reversed(tree):  # children before their parents
        below = children.get(id, [])
        own = tests.get(id, ())
        by_own = _status([result.outcome for result in own], over) if own or not below else ""
        statuses = [line.status for line in below] + [by_own] * bool(by_own)
        status = min(statuses, key=WORST_FIRST.index)
        verified = sum(line.verified for line in below) if below else int(status == VERIFIED)
        leaves = sum(line.leaves for line in below) or 1
        made[id] = Line(rows[id], depth, not below, status, by_own, tuple(own), verified, leaves)
        if parent:
            children.setdefault(parent, []).append(made[id])
    return [made[id] for id, _, _ in tree]


def _in_tree(rows: Mapping[str, RequirementRow]) -> list[tuple[str, int, str]]:
    """Id, depth and parent of each, parents first; a parent that a recording lost, or a circle, is none."""
    below: dict[str, list[str]] = {}
    for id, row in rows.items():
        below.setdefault(row.parent if row.parent in rows else "", []).append(id)
    tree: list[tuple[str, int, str]] = []
    seen: set[str] = set()
    for start in [*below.get("", ()), *rows]:
        stack = [(start, 0, "")]
        while stack:
            id, depth, parent = stack.pop()
            if id not in seen:
                seen.add(id)
                tree.append((id, depth, parent))
                stack += [(child, depth + 1, id) for child in reversed(below.get(id, ())) if child != id]
    return tree


def _status(outcomes: Sequence[str], over: bool) -> str:
    """The word for a requirement by its own tests: each must have come to its end, and one have passed."""
    if any(outcome in FAILING for outcome in outcomes):
        return FAILED
    waiting = [outcome for outcome in outcomes if outcome in NO_RESULT]
    if RUNNING in outcomes or (waiting and len(waiting) < len(outcomes) and not over):
        return RUNNING
    if waiting or not outcomes:
        return UNTESTED
    if any(outcome in _PASSED for outcome in outcomes):
        return VERIFIED
    return SKIPPED if all(outcome in _PROVES_NOTHING for outcome in outcomes) else UNTESTED


def _unknown(
    suite: str, tests: Mapping[str, Sequence[Result]], rows: Mapping[str, Mapping[str, RequirementRow]]
) -> list[Unknown]:
    own = rows.get(suite, {})
    return [
        Unknown(id, tuple(results), _hint(id, suite, own, rows))
        for id, results in tests.items()
        if id not in own
    ]


def _hint(
    id: str, suite: str, own: Mapping[str, RequirementRow], rows: Mapping[str, Mapping[str, RequirementRow]]
) -> str:
    """What may have been meant."""
    elsewhere = [name for name, others in rows.items() if id in others]
    if elsewhere:
        return f"suite {elsewhere[0]!r} has it, and ids are per suite"
    if not own:
        return f"no file declares requirements for {suite!r}"
    return nearest(id, list(own)) if len(own) <= _LISTED or _is_near(id, own) else ""


_LISTED = 12


def _is_near(id: str, own: Mapping[str, RequirementRow]) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(id, list(own), n=1))
