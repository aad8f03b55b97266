"""asyncio's tasks in this process: how many there are at once, and which are not done."""

from __future__ import annotations

import sys
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itdash.events.model import LeakKind

_NAMES = ("_scheduled_tasks", "_all_tasks")  # the second one until Python 3.11


class Tasks:
    """Hears of every new task from the set in which asyncio itself keeps them, once asyncio is imported."""

    def __init__(self) -> None:
        self._set: Any = None
        self.peak = 0

    def begin(self) -> frozenset[int]:
        """A test's call begins: the tasks that are there already."""
        if self._set is None and not self._find():
            return frozenset()
        self.peak = len(self._set)
        return frozenset(map(id, self._all()))

    def pending(self, before: frozenset[int]) -> list[Any]:
        """The tasks that came since and are not done."""
        return [task for task in self._all() if not task.done() and id(task) not in before]

    def _all(self) -> list[Any]:
        if self._set is None or not len(self._set):
            return []
        for _ in range(3):
            try:
                return list(self._set)
            except RuntimeError:  # another thread's loop made one meanwhile
                continue
        return []

    def _find(self) -> bool:
        module = sys.modules.get("asyncio.tasks")
        known = next((getattr(module, name) for name in _NAMES if hasattr(module, name)), None)
        if not isinstance(known, weakref.WeakSet):
            return False
        self._set = known
        add = known.add

        def added(task: Any) -> None:
            add(task)
            now = len(known)
            if now > self.peak:  # noqa: PLR1730 (this runs for every task)
                self.peak = now

        known.add = added  # type: ignore[method-assign, assignment]
        return True


class TaskSuspect:
    """A task that a call left running: will somebody end it before its loop is closed, which cancels all?"""

    kind: LeakKind = "task"

    def __init__(self, task: Any) -> None:
        self._task, self._loop, self._name = weakref.ref(task), task.get_loop(), task_name(task)
        self._ended = self._lost = False

    def look_again(self) -> None:
        """Whoever could have ended it has had a chance to."""
        self._ended |= not (self._lost or self._lives())

    def loop_closed(self) -> None:
        """A loop was closed, with all that was left in it."""
        self._lost |= not self._ended and self._loop.is_closed()

    def remains(self) -> bool:
        """Whether nobody ended it."""
        return self._lost or (not self._ended and self._lives())

    def name(self) -> str:
        """The qualified name of its coroutine."""
        return self._name

    def _lives(self) -> bool:
        task = self._task()
        return task is not None and not task.done()


@cache
def of_this_process() -> Tasks:
    """One for all sessions: pytest may be started in it again."""
    return Tasks()


def task_name(task: Any) -> str:
    """The qualified name of a task's coroutine."""
    coroutine = task.get_coro()
    return str(getattr(coroutine, "__qualname__", None) or type(coroutine).__qualname__)
