"""Compares what a test's process holds before and after each test, and tells what was left behind.

What is new when the teardown of a test that passed is over is its leak, but for two cases. What a fixture
of a wider scope opened in its setup belongs to the fixture. And while such fixtures are alive, anything may
be theirs: then it is kept in mind, and is a leak of that test if it is still there when they have ended.
"""

from __future__ import annotations

import gc
import os
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from itdash.plugin.holdings import Counts, Holdings, Look
from itdash.plugin.leftovers import message
from itdash.plugin.owners import Owner, Owners, is_loop
from itdash.plugin.suspects import Suspect, suspects
from itdash.plugin.tasks import TaskSuspect, of_this_process

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from itdash.plugin.leftovers import Found, Journal

_PATIENCE: Final = 200_000_000
"""Nanoseconds that threads and processes have to end by themselves."""

_TESTS: Final = 50
"""With so many leaking tests the point is made, and the rest is not waited for."""

_HELD: Final = 10_000
_DESCRIPTORS: Final = ("descriptor", "socket")

# Held in a tuple, out of reach of a test that freezes time.
_CLOCK = (time.perf_counter_ns, time.sleep)


class LeakWatch:
    """Looks at each boundary between tests; in a forked child it does nothing."""

    def __init__(self, fails: bool, journal: Journal | None) -> None:
        self._fails, self._journal = fails, journal
        self._folder = journal.folder if journal else ""
        self._look, self._tasks, self._owners = Look(), of_this_process(), Owners()
        self._getpid = os.getpid
        self._pid = os.getpid()
        self._before = Holdings(Counts(-1, -1, -1), {}, {}, {})
        self._held: list[tuple[str, Suspect, tuple[Owner, ...]]] = []
        self._running: list[TaskSuspect] = []
        self._started: tuple[TaskSuspect, ...] = ()
        self._pending: tuple[str, ...] = ()
        self._unraisable: BaseException | None = None
        self._passed = False
        self._peak = self._leaking = 0

    # -- hooks --

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """What was opened between two tests is no test's."""
        self._passed, self._peak, self._pending, self._unraisable = False, 0, (), None
        if self._is_here():
            try:
                if self._look.counts() != self._before.counts:
                    self._before = self._look.all()
            except Exception as error:
                self._give_up(error)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """What a fixture of a wider scope opens is its own."""
        if fixturedef.scope == "function" or not self._is_here():
            return (yield)
        before = self._seen()
        try:
            return (yield)
        finally:
            self._owners.add(fixturedef)
            after = self._seen()
            if before is not None and after is not None:
                self._before = _with_new(self._before, before, after)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Count the tasks of the call, and note those that it leaves running."""
        if not self._is_here():
            return (yield)
        known = self._tasks.begin()
        try:
            result = yield
        finally:
            self._note_tasks(known)
        self._passed = True
        return result

    @pytest.hookimpl
    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """A fixture has ended, and may have ended tasks."""
        if not self._running:
            return
        loop = is_loop(fixturedef)
        try:
            for task in self._running:
                if loop:
                    task.loop_closed()
                else:
                    task.look_again()
        except Exception as error:  # a task may be of any class
            self._give_up(error)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """All fixtures of the test have ended: look at what is left."""
        try:
            result = yield
        except BaseException:
            self._passed = False
            self._after(item)
            raise
        told = self._after(item)
        if self._unraisable is not None:
            raise self._unraisable
        if told:
            pytest.fail(told, pytrace=False)
        return result

    # -- the work --

    def _is_here(self) -> bool:
        return self._getpid() == self._pid

    def _note_tasks(self, known: frozenset[int]) -> None:
        try:
            self._started = tuple(TaskSuspect(task) for task in self._tasks.pending(known))
            self._running += self._started
            self._pending = tuple(task.name() for task in self._started)
        except Exception as error:  # a task may be of any class
            self._give_up(error)
        self._peak, self._tasks.peak = self._tasks.peak, 0

    def _seen(self) -> Holdings | None:
        try:
            return self._look.all()
        except Exception as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        self._pid = -1
        if self._journal:
            self._journal.note(f"leaks are no longer looked for: {type(error).__name__}: {error}")

    def _after(self, item: pytest.Item) -> str:
        """What fails the test, if anything does."""
        if not self._is_here():
            return ""
        try:
            counts, ended = self._look.counts(), self._owners.any_ended()
            if counts == self._before.counts and not (self._peak or self._running or self._held):
                return ""  # as nearly every test
            found = self._found(item, counts, ended)
            for nodeid, kinds in found.items():
                for kind, names in kinds.items():
                    if self._journal:
                        self._journal.leaked(nodeid, kind, names)
        except Exception as error:
            self._give_up(error)
            return ""
        self._leaking += bool(found)
        if self._leaking >= _TESTS and not self._fails:
            self._pid = -1
            if self._journal:
                self._journal.note(f"{_TESTS} tests left something behind; leaks are no longer looked for")
        return message(item.nodeid, found) if found and self._fails else ""

    def _found(self, item: pytest.Item, counts: Counts, ended: bool) -> Found:
        before = now = self._before
        new: list[Suspect] = []
        if counts != before.counts:
            now = self._look.all()
            if self._passed:
                new = suspects(self._look, before, now, self._folder, explained=ended)
        owners = self._owners.alive(loops=True)
        if new and not owners:
            if any(one.kind in _DESCRIPTORS for one in new):
                self._unraisable = _collect_garbage(item.config)
            new = _lasting(new)
            now = self._look.all()
        if self._journal and (self._peak or now.counts != before.counts):
            self._journal.counted(item.nodeid, before, now, self._peak, self._pending)
        self._before = now
        found: Found = {}
        for whose, suspect in self._released(ended):
            _add(found, whose, suspect)
        self._sort(item.nodeid, new, owners, found)
        return found

    def _sort(self, nodeid: str, new: Iterable[Suspect], owners: tuple[Owner, ...], found: Found) -> None:
        """What is new is held while somebody may own it, and is a leak at once where nobody can."""
        loopless = tuple(owner for owner in owners if not owner.is_loop)
        tasks = self._started if self._passed else ()
        self._started = ()
        for suspect, possible in [*((one, owners) for one in new), *((one, loopless) for one in tasks)]:
            if not suspect.remains():
                continue
            if possible and len(self._held) < _HELD:
                self._held.append((nodeid, suspect, possible))
            elif not possible:
                _add(found, nodeid, suspect)
        self._running = [suspect for _, suspect, _ in self._held if isinstance(suspect, TaskSuspect)]

    def _released(self, ended: bool) -> list[tuple[str, Suspect]]:
        """What was held, has no owner any more, and is there all the same."""
        if not (ended and self._held):
            return []
        free = [entry for entry in self._held if not any(owner.alive for owner in entry[2])]
        self._held = [entry for entry in self._held if any(owner.alive for owner in entry[2])]
        if any(one.kind in _DESCRIPTORS and one.remains() for _, one, _ in free):
            gc.collect()
        left = {id(one) for one in _lasting([suspect for _, suspect, _ in free])}
        return [(whose, suspect) for whose, suspect, _ in free if id(suspect) in left]


def _add(found: Found, nodeid: str, suspect: Suspect) -> None:
    found.setdefault(nodeid, {}).setdefault(suspect.kind, []).append(suspect.name())


def _with_new(base: Holdings, before: Holdings, after: Holdings) -> Holdings:
    """What there was, and what came since `before`."""
    counts = Counts(*(a + c - b for a, b, c in zip(base.counts, before.counts, after.counts, strict=True)))
    threads = {key: one for key, one in after.threads.items() if before.threads.get(key) is not one}
    descriptors = {key: one for key, one in after.descriptors.items() if before.descriptors.get(key) != one}
    children = {key: one for key, one in after.children.items() if before.children.get(key) != one}
    return Holdings(
        counts,
        {**base.threads, **threads},
        {**base.descriptors, **descriptors},
        {**base.children, **children},
    )


def _lasting(new: list[Suspect]) -> list[Suspect]:
    """Those that do not go by themselves."""
    clock, sleep = _CLOCK
    until, pause = clock() + _PATIENCE, 0.001
    while new := [one for one in new if one.remains()]:
        if clock() > until or not any(one.kind in ("thread", "process") for one in new):
            break
        sleep(pause)
        pause = min(2 * pause, 0.02)
    return new


def _collect_garbage(config: pytest.Config) -> BaseException | None:
    """What nobody holds is no leak; what Python complains of when it goes is of the test that just ended."""
    gc.collect()
    try:
        from _pytest.unraisableexception import collect_unraisable
    except ImportError:  # until pytest 8.3 it is caught as it is raised
        return None
    try:
        collect_unraisable(config)
    except Exception as error:
        return error
    return None
