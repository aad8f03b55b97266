"""How every test did when it last ran, over all runs of a session, and what a run changed about that."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from itdash.state.cases import FAILING
from itdash.state.requirements import NO_RESULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.state.run import RunState


class Turns(NamedTuple):
    """What became of tests against the time before: ids, and files that cannot be collected."""

    newly_failing: tuple[str, ...] = ()
    newly_passing: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    def then(self, later: Turns) -> Turns:
        """What both have to tell."""
        return Turns(*((*one, *other) for one, other in zip(self, later, strict=True)))


class Standing:
    """The newest outcome of each test by its id, and where its file is."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.claims: dict[str, tuple[str, ...]] = {}
        self.broken: set[str] = set()
        self._ids: dict[str, dict[str, None]] = {}  # by file

    @property
    def files(self) -> list[str]:
        """The files of tests in the order in which they were met."""
        return list(dict.fromkeys([*self._ids, *sorted(self.broken)]))

    @property
    def failing_files(self) -> frozenset[str]:
        """Those with a test that failed when it last ran, and those that cannot be collected."""
        failed = {file for file, ids in self._ids.items() if any(self.outcomes[id] in FAILING for id in ids)}
        return frozenset(failed | self.broken)

    @property
    def failing(self) -> tuple[str, ...]:
        """The tests that failed when they last ran."""
        return tuple(id for id, outcome in self.outcomes.items() if outcome in FAILING)

    def number(self, files: Iterable[str] | None = None) -> tuple[int, int]:
        """How many tests are known in these files, or in all, and how many of them failed."""
        chosen = self._ids if files is None else files
        ids = [id for file in chosen for id in self._ids.get(file, ())]
        return len(ids), sum(self.outcomes[id] in FAILING for id in ids)

    def take(self, state: RunState, whole: Iterable[str], narrowed: bool) -> Turns:
        """Take a run in that was to collect the files `whole`; `narrowed` tells that tests were left out."""
        place = cache(partial(_place, state.names.rootdir))
        newly_failing: list[str] = []
        newly_passing: list[str] = []
        still: list[str] = []
        for id, case in state.cases.items():
            if case.outcome in NO_RESULT:
                continue
            before = self.outcomes.get(id, "")
            self.outcomes[id] = case.outcome
            self._ids.setdefault(place(case.file), {})[id] = None
            if case.outcome in FAILING:
                (still if before in FAILING else newly_failing).append(id)
            elif before in FAILING:
                newly_passing.append(id)
        self.claims.update(state.requirements.claims)
        broken = {
            place(problem.node.partition("::")[0])
            for problem in state.uncollected
            if problem.outcome == "failed" and problem.node
        }
        gone: list[str] = []
        if state.collected:
            collected = {place(case.file) for case in state.cases.values()}
            looked_at = collected | set(whole)
            self.broken = (self.broken - looked_at) | broken
            for file in () if narrowed else looked_at - broken:
                gone += [id for id in self._ids.get(file, ()) if id not in state.cases]
            self.drop(gone)
        return Turns(
            tuple(newly_failing), tuple(newly_passing), tuple(still), tuple(gone), tuple(sorted(broken))
        )

    def drop_files(self, files: Iterable[str]) -> tuple[str, ...]:
        """These files are gone, and their tests with them."""
        gone = tuple(id for file in files for id in self._ids.get(file, ()))
        self.broken.difference_update(files)
        self.drop(gone)
        return gone

    def drop(self, ids: Iterable[str]) -> None:
        """These tests are there no more."""
        lost = set(ids)
        if not lost:
            return
        for id in lost:
            self.outcomes.pop(id, None)
            self.claims.pop(id, None)
        for file, known in list(self._ids.items()):
            left = {id: None for id in known if id not in lost}
            if left:
                self._ids[file] = left
            else:
                del self._ids[file]


def _place(root: str, file: str) -> str:
    return os.path.realpath(os.path.join(root, file))
