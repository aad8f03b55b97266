"""What a user asks for turned into runs, one after the other, and shown by views."""

from __future__ import annotations

import os
import select
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from itdash.errors import INTERNAL_ERROR
from itdash.runner.command import plan
from itdash.runner.execution import Execution
from itdash.runner.required import gate, required
from itdash.runner.warmth import warmth
from itdash.state.gate import with_budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from itdash.config import Config
    from itdash.events import model
    from itdash.requirements.find import Found
    from itdash.runner.command import Plan, Request
    from itdash.runner.execution import Reading
    from itdash.runner.process import Link
    from itdash.state.run import RunState

_TICK = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class View(Protocol):
    """Something that shows or writes a run."""

    def begin(self, state: RunState, folder: Path) -> None:
        """The run directory is there."""

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:
        """These events are in the state now; also called with none, as time goes by."""

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """The last event is in the state."""


class Terms(msgspec.Struct, frozen=True):
    """What every run of a session has in common: where it runs, how it was called, what it must prove."""

    root: Path
    cwd: Path
    command: tuple[str, ...]
    share: str = ""
    strict: bool = False


class Planned(NamedTuple):
    """A run that can be started: what pytest will be told, the requirements, and what it must prove."""

    config: Config
    plan: Plan
    found: Found
    judge: Callable[[RunState], str]


class Session:
    """Owns the run that is shown, and starts the next."""

    def __init__(self, terms: Terms, link: Link, views: Sequence[View], several: bool = False) -> None:
        """`several` tells that more runs than one may be expected, so that each notes what it imports."""
        self.terms, self.views, self._several = terms, views, several
        self._link = link
        self._config: Config | None = None
        self._notes = ""
        self.execution: Execution | None = None

    def start(self, request: Request, config: Config) -> Execution:
        """Start a run; what the user must mend is raised before anything is started."""
        return self.begin(self.planned(request, config))

    def planned(self, request: Request, config: Config) -> Planned:
        """Look at all that a run needs, which may take a while and can be interrupted."""
        terms = self.terms
        made = plan(request, config, terms.root, terms.cwd, lambda name: find_spec(name) is not None)
        found = required(request, config, terms.root, terms.cwd)
        judge = with_budgets(gate(terms.share, terms.strict, found, terms.root), _is_narrowed(request))
        return Planned(config, made, found, judge)

    def begin(self, planned: Planned) -> Execution:
        """Start the run that was planned."""
        config, made, found, judge = planned
        terms = self.terms
        run = Execution(made, config, terms.root, terms.command, self._link, found, judge, self._show)
        self.execution = run
        run.notes = str(run.folder.parent.parent / "warm") if self._several and config.warm else ""
        run.start()
        for view in self.views:
            view.begin(run.state, run.folder)
        run.catch_up()
        return run

    def step(self, budget: int | None = None) -> bool:
        """Let the run go on; whether it is over now, and `finish` is due."""
        run = self.execution
        if run is None:
            return False
        run.step(budget)
        return run.state.finished is not None

    def finish(self) -> None:
        """Have the views say how the run ended, and let it go."""
        run = self.execution
        if run:
            self._link, self._config = run.link, run.config
            self._notes = str(run.folder.parent.parent / "warm")
            run.close([view.end for view in self.views])
            self.execution = None

    def prepare(self) -> None:
        """Another run may follow soon."""
        may, why = warmth(self._config) if self._config else (False, "no run had ended")
        self._link.prepare(self._notes, str(self.terms.root), "" if may else why)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ask the run to end; asked again, end it."""
        if self.execution:
            told = "stopped by Ctrl-C" if number == signal.SIGINT else ""
            self.execution.stop(number, told or f"stopped by {signal.Signals(number).name}")

    def close(self) -> None:
        """End whatever still runs, and the keeper."""
        self._link.close()

    def _show(self, events: Sequence[model.AnyEvent]) -> None:
        run = self.execution
        if run:
            now = run.now()
            for view in self.views:
                view.show(run.state, events, now)


def _is_narrowed(request: Request) -> bool:
    """Whether only some tests of the suites are to run."""
    return bool(
        request.paths or request.groups or request.keyword or request.mark or request.extra
        or request.exit_first or request.only is not None or request.shard is not None
        or request.done
    )  # fmt: skip


def run_to_end(session: Session, request: Request, config: Config) -> int:
    """One run, from the first event to the exit code, obeying the signals of a terminal and of a machine."""
    try:
        planned = session.planned(request, config)  # nothing runs yet: signals do what they always do
        with Ear() as ear:
            session.begin(planned)
            return _go_on(session, ear)
    finally:
        session.close()


def go_on(session: Session) -> int:
    """Bring the run that has begun to its end."""
    with Ear() as ear:
        return _go_on(session, ear)


def _go_on(session: Session, ear: Ear) -> int:
    run = session.execution
    if run is None:
        return INTERNAL_ERROR
    while not session.step():
        ear.wait(run.link.inbox.fd)
        for number in ear.heard():
            session.stop(number)
    ear.close()
    session.finish()
    return run.state.finished.exit_code if run.state.finished else INTERNAL_ERROR


class Ear:
    """Hears signals while it waits."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._open = True

    def __enter__(self) -> Ear:
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._waker, False)
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        self._old = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the signals back."""
        if self._open:
            self._open = False
            signal.set_wakeup_fd(self._old)
            for number, handler in self._before.items():
                signal.signal(number, handler)
            os.close(self._wake)
            os.close(self._waker)

    def wait(self, *fds: int, seconds: float = _TICK) -> None:
        """Until a message comes, a signal, or the next tick."""
        try:
            select.select([*fds, self._wake], [], [], seconds)
        except InterruptedError:
            return
        try:
            os.read(self._wake, 512)
        except BlockingIOError:
            pass

    def heard(self) -> list[int]:
        """The signals since the last call."""
        numbers, self._numbers = self._numbers, []
        return numbers

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._numbers.append(number)
