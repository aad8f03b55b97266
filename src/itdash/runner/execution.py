"""One run of pytest from its first event to its verdict, over as many processes as it takes."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from itdash import __version__, project_commit
from itdash.errors import RunDirectoryError
from itdash.events import model
from itdash.events.journal import OVERFLOW, SEGMENTS, Tail
from itdash.events.segment import Segment
from itdash.orders import Assignment, Order
from itdash.runner import closing, leftovers, process, rundir
from itdash.runner.deaths import Deaths
from itdash.runner.overdue import Overdue
from itdash.runner.required import specs
from itdash.runner.sampler import Sampler
from itdash.state import fold, verdict
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from itdash.config import Config
    from itdash.requirements.find import Found
    from itdash.runner.command import Plan
    from itdash.runner.process import Link

    Show = Callable[[Sequence[model.AnyEvent]], None]

_SECOND = 1_000_000_000
_ORPHAN_COMMAND = 300
_CHUNK, _PIECE = 4 << 20, 1 << 16
"""So much of a segment is read at once, and so much between two looks at the clock."""

_SUSPECTS = 3
_TICK_OF_CLOCK, _DETACHING = _SECOND // 100, _SECOND // 10


def _machine() -> str:
    """What durations depend on, as far as the system tells it."""
    return f"{os.uname().machine}, {len(os.sched_getaffinity(0))} CPUs"


class Reading(msgspec.Struct, frozen=True):
    """What reading the journal met."""

    bytes: int
    unread: int


class Execution:
    """Owns the state of one run and the processes that make it; every call returns at once."""

    def __init__(
        self,
        plan: Plan,
        config: Config,
        root: Path,
        command: Sequence[str],
        link: Link,
        required: Found,
        gate: Callable[[RunState], str],
        show: Show,
    ) -> None:
        self.plan, self.config, self.link = plan, config, link
        self.state, self._gate, self._show = RunState(), gate, show
        self.origin = time.perf_counter_ns()
        self.folder, warning = rundir.create(root / config.directory)
        self._tail = Tail(self.folder)
        self._tail.open_overflow()
        self._own = Segment(
            str(self.folder / SEGMENTS / "itdash.jsonl"), self.origin, str(self.folder / OVERFLOW)
        )
        self.notes = ""  # where pytest notes what it imports, if anybody will ask
        self._part = 0
        self._crashes = 0
        self._crashed = False
        self._pid = 0
        self._overdue: Overdue | None = None
        self._sampler = Sampler(self.emit)
        self._deaths = Deaths(self.emit, self._tail.read_anew)
        self._stop_at = 0
        self._settled = False
        self._reason = ""
        self.emit(
            model.RunStarted(
                self.now(), model.SCHEMA, self.folder.name, time.time(), str(root), os.getcwd(),
                tuple(command), __version__, ".".join(map(str, sys.version_info[:3])), sys.platform,
                specs(config), *project_commit.read(root), _machine(),
            )
        )  # fmt: skip
        for part in required.declared:
            self.emit(model.RequirementsDeclared(self.now(), part.suite, part.file, part.rows))
        for note in (warning, required.note):
            if note:
                self.emit(model.NoteAdded(self.now(), note))

    def start(self) -> None:
        """Start the first process."""
        self._start_part()
        leftovers.adopt_orphans()
        config = self.config
        days = config.keep_days or None
        rundir.retain(self.folder.parent.parent, config.keep_runs, config.keep_bytes, days)

    def catch_up(self) -> None:
        """Show what is known already."""
        self._pump()

    def step(self, budget: int | None = None) -> None:
        """Take in what happened; with a budget of nanoseconds, what is left over comes at the next call."""
        if not self._pump(budget):
            return
        for message in self.link.inbox.receive():
            self._hear(*message)
        if self._overdue:
            self._overdue.check(self.state, self.now())
        self._sampler.check(self.now(), self._pid)
        self._deaths.check(self.now(), self.state.operations)
        if self._stop_at and self.now() > self._stop_at:
            self._stop_at = 0
            self.link.signal(signal.SIGKILL)
        if not self.link.inbox.open and not self._settled:
            self._keeper_died()
        if self._settled:
            self._settled = False
            self._after_part()

    def stop(self, number: int, why: str) -> None:
        """Ask pytest to end; asked again, end it at once."""
        now = self.now()
        hard = bool(self.state.requests)
        self.emit(model.StopRequested(now, why, number, hard))
        self._pump()
        if hard:
            self.link.signal(signal.SIGKILL)
        else:
            self.link.signal(signal.SIGINT)
            self._stop_at = now + int(self.config.grace * _SECOND)

    def close(self, write: Iterable[Callable[[RunState, Path, Reading], None]]) -> None:
        """Have the files of the run written, and give everything back."""
        for end in write:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                end(self.state, self.folder, Reading(self._tail.bytes, self._tail.unread_so_far))
            except OSError as error:
                self.emit(model.NoteAdded(self.now(), f"a file of the run could not be written: {error}"))
                self._pump()
        self._tail.close()
        self._deaths.close()
        self._own.close()
        for name in (OVERFLOW, rundir.PID):
            (self.folder / name).unlink(missing_ok=True)

    def now(self) -> int:
        """Nanoseconds since the run began."""
        return time.perf_counter_ns() - self.origin

    def emit(self, event: model.Event) -> None:
        """Write an event of itdash's own to the journal, from where it is read like any other."""
        self._own.append(event)

    def _pump(self, budget: int | None = None) -> bool:
        """Fold what is new and show it; whether that was all."""
        shown = False
        until = 0 if budget is None else time.perf_counter_ns() + budget
        most = _CHUNK if budget is None else _PIECE
        while events := self._tail.read(most):
            fold.apply_all(self.state, events)
            self._look_at(events)
            self._show(events)
            shown = True
            if until and time.perf_counter_ns() > until:
                return False
        if not shown:
            self._show(())
        return True

    def _look_at(self, events: Iterable[model.AnyEvent]) -> None:
        """Add the stacks to a test that took a worker of pytest-xdist down."""
        for event in events:
            if type(event) is model.StageFinished and event.stage == "crash":
                case = self.state.cases[self.state.ids[event.case]]
                stacks = closing.stacks_since(self.folder, self._part, case.worker)
                first = stacks.partition("\n")[0].removeprefix("Fatal Python error: ")
                cause = f"{first}, {case.cause}" if first else case.cause
                self.emit(model.CaseAborted(self.now(), event.case, "crashed", cause, stacks))

    # -- processes --

    def _start_part(self) -> None:
        part = self._part + 1
        done = frozenset(case.id for case in self.state.cases.values() if case.outcome)
        done |= self.plan.selection.done
        selection = msgspec.structs.replace(self.plan.selection, done=done)
        args = self.plan.args
        if self.plan.max_fail:
            args = (*args, f"--maxfail={self.plan.max_fail - len(self.state.failing)}")
        first = max(self.state.ids, default=-1) + 1
        given = Assignment(str(self.folder), self.origin, part, first, "", selection, self.plan.imports)
        order = Order(args, given, self.notes)
        name = self.folder / f"order-{part}.json"
        try:
            (self.folder / SEGMENTS).mkdir(parents=True, exist_ok=True)  # a test may have cleaned up too well
            name.write_text(json.dumps(msgspec.to_builtins(order)), "ascii")  # not only texts that are UTF-8
            # Open in our hands before a test can remove the folder: what is written to it still reaches us.
            (self.folder / SEGMENTS / f"{order.assignment.segment}.jsonl").touch()
        except OSError as error:
            raise RunDirectoryError(
                f"the run directory cannot be written: {error.strerror}", where=str(self.folder),
                mend="make room there, or choose another place with `directory` in [tool.itdash]",
            ) from None  # fmt: skip
        self._part = part
        self._overdue = Overdue(self.config, self.folder, part, self.link, self.emit)
        self.link.run(str(name), str(self.folder / "pytest.log"))

    def _hear(self, kind: str, *rest: Any) -> None:
        if kind == "started":
            self._pid = rest[0]
            self.emit(model.ProcessStarted(self.now(), self._part, self._pid, self.plan.args, *rest[1:]))
        elif kind == "exited":
            self._exited(rest[1])
        elif kind == "orphan":
            self._orphan(*rest)
        elif kind == "note":
            self.emit(model.NoteAdded(self.now(), rest[0]))
        elif kind == "settled":
            self._settled = True

    def _exited(self, code: int | None) -> None:
        self._tail.read_anew()
        self.emit(model.ProcessEnded(self.now(), self._part, code, closing.signal_name(code)))
        if self._overdue:
            self._overdue.tell(self.now())
        self._pump()
        running = bool(self.state.running)
        for event in closing.ends(self.state, self._part, self.folder, self.now()):
            self.emit(event)
        self._pump()
        self._pid = 0
        self._crashed = closing.crashed(self.state, self._part)
        if closing.is_doubtful(self.state, self._part):
            self.link.distrust("the run before did not end as it should")
        if self._crashed and not running:
            how = closing.how_it_ended(self.state, self._part)
            self.emit(model.NoteAdded(self.now(), f"the process ended between two tests: {how}"))
            self._pump()

    def _keeper_died(self) -> None:
        """The process between us and pytest was killed; pytest goes with it, and another takes its place."""
        if self._pid:
            try:
                os.killpg(self._pid, signal.SIGKILL)
            except OSError:
                pass
        self._pump()
        self._exited(None)
        self.link.close()
        leftovers.end_all()  # what the keeper was the parent of is ours now
        self.link = process.start_keeper()
        self._settled = True

    def _orphan(self, pid: int, command: str, node: str, start: int) -> None:
        node = node or self._test_at(start)
        self.emit(model.OrphanEnded(self.now(), pid, command[:_ORPHAN_COMMAND], node))

    def _test_at(self, start: int) -> str:
        """The tests that ran when a process was started, or just before: one that detaches is forked late."""
        last = start - self.origin + _TICK_OF_CLOCK
        first = start - self.origin - _DETACHING
        ran = [
            case.id
            for case in self.state.cases.values()
            if case.ended and case.started <= last and case.ended >= first
        ]
        return " or ".join(ran) if len(ran) <= _SUSPECTS else ""

    # -- what comes after a part --

    def _after_part(self) -> None:
        stopped = self._overdue is not None and self._overdue.stopped
        if stopped:
            self.link.distrust("a test of the run before did not end")
        pending = len(self.state.cases) > self.state.finished_cases
        if self._crashed and not stopped:
            self._crashes += 1
        if pending and (self._crashed or stopped) and self._goes_on():
            return
        self._finish()

    def _goes_on(self) -> bool:
        """Start another process for the tests that are left, unless a limit or the disk says no."""
        failing, limit = len(self.state.failing), self.plan.max_fail
        if limit and failing >= limit:
            self._reason = f"stopped after {failing} failures"
        elif self._crashes > self.config.max_crashes:
            self._reason = f"{self._crashes} processes crashed; no more were started (max_crashes)"
        else:
            try:
                self._start_part()
            except RunDirectoryError as error:
                self._reason = error.what
            else:
                return True
        return False

    def _finish(self) -> None:
        overdue = self._overdue is not None and self._overdue.stopped
        word = verdict.judge(self.state, self._part, self._reason, overdue=overdue, crashes=self._crashes)
        word = verdict.gated(word, self._gate(self.state))
        self.emit(model.RunFinished(self.now(), word.verdict, word.exit_code, word.reason))
        self._pump()
