"""One run from start to verdict: a single loop over messages, events, signals and the clock."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from itdash import __version__
from itdash.errors import RunDirectoryError
from itdash.events import model
from itdash.events.journal import OVERFLOW, SEGMENTS, Tail
from itdash.events.segment import Segment
from itdash.orders import Assignment, Order
from itdash.runner import closing, keeper, process, rundir
from itdash.runner.overdue import Overdue
from itdash.state import fold, verdict
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import FrameType

    from itdash.config import Config
    from itdash.requirements.find import Found
    from itdash.runner.command import Plan
    from itdash.runner.process import Link

_TICK = 50
_SECOND = 1_000_000_000
_ORPHAN_COMMAND = 300
_SUSPECTS = 3
_TICK_OF_CLOCK, _DETACHING = _SECOND // 100, _SECOND // 10


class View(Protocol):
    """Something that shows or writes a run."""

    def begin(self, state: RunState, folder: Path) -> None:
        """The run directory is there."""

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:
        """These events are in the state now; also called with none, as time goes by."""

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """The last event is in the state."""


class Reading(msgspec.Struct, frozen=True):
    """What reading the journal met."""

    bytes: int
    unread: int


class Session:
    """Owns the state of one run and the process that makes it."""

    def __init__(
        self,
        plan: Plan,
        config: Config,
        root: Path,
        command: Sequence[str],
        link: Link,
        views: Sequence[View],
        required: Found | None = None,
        gate: Callable[[RunState], str] = lambda _: "",
    ) -> None:
        self.plan, self.config, self.root, self.link, self.views = plan, config, root, link, views
        self.state, self._gate = RunState(), gate
        self.origin = time.perf_counter_ns()
        self._base = root / config.directory
        self.folder, warning = rundir.create(self._base)
        self._tail = Tail(self.folder)
        self._tail.open_overflow()
        self._own = Segment(
            str(self.folder / SEGMENTS / "itdash.jsonl"), self.origin, str(self.folder / OVERFLOW)
        )
        self._part = 0
        self._crashes = 0
        self._crashed = False
        self._pid = 0
        self._overdue: Overdue | None = None
        self._signals: list[int] = []
        self._stop_at = 0
        self._settled = False
        self._reason = ""
        self._emit(
            model.RunStarted(
                self._now(), model.SCHEMA, self.folder.name, time.time(), str(root), os.getcwd(),
                tuple(command), __version__, ".".join(map(str, sys.version_info[:3])), sys.platform,
                tuple(model.SuiteSpec(suite.name, suite.title, suite.paths) for suite in config.suites),
            )
        )  # fmt: skip
        for part in required.declared if required else ():
            self._emit(model.RequirementsDeclared(self._now(), part.suite, part.file, part.rows))
        for note in (warning, required.note if required else ""):
            if note:
                self._emit(model.NoteAdded(self._now(), note))

    def run(self) -> int:
        """Run to the end and return the exit code."""
        restore = self._listen()
        try:
            self._start_part()
            keeper.adopt_orphans()
            rundir.retain(self._base, self.config.keep_runs, self.config.keep_bytes)
            self._pump()
            for view in self.views:
                view.begin(self.state, self.folder)
            while not self.state.finished:
                self._step()
        finally:
            restore()
        self._close()
        return self.state.finished.exit_code

    # -- the loop --

    def _step(self) -> None:
        self._wait()
        messages = self.link.inbox.receive()
        self._pump()
        for message in messages:
            self._hear(*message)
        self._obey_signals()
        if self._overdue:
            self._overdue.check(self.state, self._now())
        if not self.link.inbox.open and not self._settled:
            self._keeper_died()
        if self._settled:
            self._settled = False
            self._after_part()

    def _wait(self) -> None:
        try:
            select.select([self.link.inbox.fd, self._wake], [], [], _TICK / 1000)
        except InterruptedError:
            return
        try:
            os.read(self._wake, 512)
        except BlockingIOError:
            pass

    def _pump(self) -> None:
        """Fold what is new and show it."""
        shown = False
        while events := self._tail.read():
            fold.apply_all(self.state, events)
            self._look_at(events)
            self._show(events)
            shown = True
        if not shown:
            self._show(())

    def _show(self, events: Sequence[model.AnyEvent]) -> None:
        now = self._now()
        for view in self.views:
            view.show(self.state, events, now)

    def _look_at(self, events: Iterable[model.AnyEvent]) -> None:
        """Add the stacks to a test that took a worker of pytest-xdist down."""
        for event in events:
            if type(event) is model.StageFinished and event.stage == "crash":
                case = self.state.cases[self.state.ids[event.case]]
                stacks = closing.stacks_since(self.folder, self._part, case.worker)
                first = stacks.partition("\n")[0].removeprefix("Fatal Python error: ")
                cause = f"{first}, {case.cause}" if first else case.cause
                self._emit(model.CaseAborted(self._now(), event.case, "crashed", cause, stacks))

    def _now(self) -> int:
        return time.perf_counter_ns() - self.origin

    def _emit(self, event: model.Event) -> None:
        self._own.append(event)

    # -- processes --

    def _start_part(self) -> None:
        part = self._part + 1
        done = frozenset(case.id for case in self.state.cases.values() if case.outcome)
        selection = msgspec.structs.replace(self.plan.selection, done=done)
        args = self.plan.args
        if self.plan.max_fail:
            args = (*args, f"--maxfail={self.plan.max_fail - len(self.state.failing)}")
        first = max(self.state.ids, default=-1) + 1
        order = Order(args, Assignment(str(self.folder), self.origin, part, first, "", selection))
        name = self.folder / f"order-{part}.json"
        try:
            (self.folder / SEGMENTS).mkdir(parents=True, exist_ok=True)  # a test may have cleaned up too well
            name.write_bytes(msgspec.json.encode(order))
            # Open in our hands before a test can remove the folder: what is written to it still reaches us.
            (self.folder / SEGMENTS / f"{order.assignment.segment}.jsonl").touch()
        except OSError as error:
            raise RunDirectoryError(
                f"the run directory cannot be written: {error.strerror}", where=str(self.folder),
                mend="make room there, or choose another place with `directory` in [tool.itdash]",
            ) from None  # fmt: skip
        self._part = part
        self._overdue = Overdue(self.config, self.folder, part, self.link, self._emit)
        self.link.run(str(name), str(self.folder / "pytest.log"))

    def _hear(self, kind: str, *rest: Any) -> None:
        if kind == "started":
            self._pid = rest[0]
            self._emit(model.ProcessStarted(self._now(), self._part, self._pid, self.plan.args))
        elif kind == "exited":
            self._exited(rest[1])
        elif kind == "orphan":
            self._orphan(*rest)
        elif kind == "settled":
            self._settled = True

    def _exited(self, code: int | None) -> None:
        self._emit(model.ProcessEnded(self._now(), self._part, code, closing.signal_name(code)))
        self._pump()
        running = bool(self.state.running)
        for event in closing.ends(self.state, self._part, self.folder, self._now()):
            self._emit(event)
        self._pump()
        self._crashed = closing.crashed(self.state, self._part)
        if self._crashed and not running:
            how = closing.how_it_ended(self.state, self._part)
            self._emit(model.NoteAdded(self._now(), f"the process ended between two tests: {how}"))
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
        keeper.end_all()  # what the keeper was the parent of is ours now
        self.link = process.start_keeper()
        self._settled = True

    def _orphan(self, pid: int, command: str, node: str, start: int) -> None:
        node = node or self._test_at(start)
        self._emit(model.OrphanEnded(self._now(), pid, command[:_ORPHAN_COMMAND], node))

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
        self._emit(model.RunFinished(self._now(), word.verdict, word.exit_code, word.reason))
        self._pump()

    def _close(self) -> None:
        self.link.close()
        for view in self.views:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                view.end(self.state, self.folder, Reading(self._tail.bytes, self._tail.unread_so_far))
            except OSError as error:
                self._emit(
                    model.NoteAdded(self._now(), f"{type(view).__name__} could not be written: {error}")
                )
                self._pump()
        self._tail.close()
        self._own.close()
        for name in (OVERFLOW, "pid"):
            (self.folder / name).unlink(missing_ok=True)

    # -- signals --

    def _listen(self) -> Any:
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        old = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

        def restore() -> None:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._wake)
            os.close(wake)

        return restore

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _obey_signals(self) -> None:
        now = self._now()
        while self._signals:
            number = self._signals.pop(0)
            hard = bool(self.state.requests)
            why = {2: "stopped by Ctrl-C"}.get(number, f"stopped by {signal.Signals(number).name}")
            self._emit(model.StopRequested(now, why, number, hard))
            self._pump()
            if hard:
                self.link.signal(signal.SIGKILL)
            else:
                self.link.signal(signal.SIGINT)
                self._stop_at = now + int(self.config.grace * _SECOND)
        if self._stop_at and now > self._stop_at:
            self._stop_at = 0
            self.link.signal(signal.SIGKILL)
