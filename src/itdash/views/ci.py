"""The run as lines for a log or a terminal: what fails as it fails, progress at a human pace, a verdict."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Any, TextIO

from itdash import __version__
from itdash.errors import GATE, NO_TESTS
from itdash.events import model
from itdash.render import failures, measures, resources, words
from itdash.render import requirements as required
from itdash.render.text import head_and_tail, inert, one_line
from itdash.state import queries
from itdash.state.requirements import of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itdash.render.paint import Paint
    from itdash.runner.execution import Reading
    from itdash.state.cases import Case
    from itdash.state.run import RunState, SuiteTally

_SECOND = 1_000_000_000
_FIRST_PROGRESS, _LAST_PROGRESS = 2 * _SECOND, 30 * _SECOND
_LIVE = _SECOND // 10
_BAR = 20
_LONGEST = 300
_COMMAND = re.compile(r"^(\s*)(::|##\[)", re.M)  # what a test prints must not steer the machine that runs it
_BAD = ("crashed", "timed_out", "interrupted", "not_run", "failed", "errors")
_LOG_READ, _LOG_LINES = 65_536, 60


class CiView:
    """Prints to one stream. On a terminal the last line is live; elsewhere a line comes every few seconds."""

    def __init__(self, stream: TextIO, paint: Paint, slowest: int, failures_shown: int, live: bool) -> None:
        self._stream, self._paint = stream, paint
        self._slowest, self._failures_shown, self._live = slowest, failures_shown, live
        self._told_failing: set[str] = set()
        self._told_suites: set[str] = set()
        self._told_collection = self._told_stop = False
        self._next_progress = _LIVE if live else _FIRST_PROGRESS
        self._pace = _FIRST_PROGRESS
        self._live_line = False
        self._ended = 0
        self._tellers: dict[type, Callable[[RunState, Any], None]] = {
            model.SessionStarted: self._session_started,
            model.CollectionFailed: self._collection_failed,
            model.ProcessStarted: self._process_started,
            model.StopRequested: self._stop_requested,
            model.InternalErrorRaised: self._internal_error,
            model.OrphanEnded: self._orphan_ended,
            model.NoteAdded: self._note_added,
        }

    # -- the view --

    def begin(self, state: RunState, folder: Path) -> None:  # noqa: ARG002
        """Say what starts."""
        run = folder.name
        self._line(self._paint("strong", f"itdash {__version__}") + self._paint("dim", f"  run {run}"))

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:
        """Say what happened."""
        for event in events:
            tell = self._tellers.get(type(event))
            if tell:
                tell(state, event)
        if not self._told_collection and state.collected:
            self._tell_collection(state)
        if len(state.failing) != len(self._told_failing):
            for nodeid in [nodeid for nodeid in state.failing if nodeid not in self._told_failing]:
                self._told_failing.add(nodeid)
                self._tell_failing(state.cases[nodeid])
        if state.finished_cases != self._ended:
            self._ended = state.finished_cases
            self._tell_suites(state)
        if now >= self._next_progress and not state.finished:
            self._tell_progress(state, now)

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Say how it ended."""
        self._clear_live()
        rule = self._paint.glyph("rule")
        for line in failures.report(state, self._paint, rule, self._failures_shown):
            self._line(line)
        self._tell_log(state, folder)
        plain = self._paint.ascii
        for role, text in [*measures.tables(state, ascii_only=plain), *resources.lines(state, plain)]:
            self._line(self._paint(role, text))
        for line in required.report(of_run(state), self._paint, _terminal_width(self._stream) * self._live):
            self._line(line)
        self._tell_rest(state, reading)
        self._tell_slowest(state)
        self._tell_verdict(state)
        self._line(self._paint("dim", f"kept in {folder}"))
        self._flush()

    # -- while it runs --

    def _session_started(self, _: RunState, event: model.SessionStarted) -> None:
        if not event.worker and event.part == 1:
            self._line(self._paint("dim", f"pytest {event.pytest}, {event.rootdir}"))

    def _collection_failed(self, _: RunState, event: model.CollectionFailed) -> None:
        if event.outcome == "failed":
            self._mark("failed", f"cannot collect {one_line(event.node) or '(root)'}")

    def _process_started(self, state: RunState, event: model.ProcessStarted) -> None:
        if event.part > 1:
            left = words.count(len(state.cases) - state.finished_cases, "test")
            self._mark("crashed", f"a fresh process runs what is left: {left}")

    def _stop_requested(self, _: RunState, event: model.StopRequested) -> None:
        how = "killing it" if event.hard else "letting pytest end; once more to kill it"
        self._mark("crashed", f"{event.why}: {how}")

    def _internal_error(self, _: RunState, event: model.InternalErrorRaised) -> None:  # noqa: ARG002
        self._mark("crashed", "pytest had an internal error")

    def _orphan_ended(self, _: RunState, event: model.OrphanEnded) -> None:
        whose = one_line(event.node, 200, self._paint.glyph("cut")) if event.node else "the run"
        what = f"{one_line(event.command, 120, self._paint.glyph('cut'))} ({event.pid})"
        self._mark("crashed", f"{whose} left a process behind, ended: {what}")

    def _note_added(self, _: RunState, event: model.NoteAdded) -> None:
        self._mark("skipped", inert(event.text))

    def _tell_collection(self, state: RunState) -> None:
        self._told_collection = True
        text = f"{words.count(len(state.cases), 'test')} in {words.count(len(state.suites), 'suite')}"
        if state.deselected:
            text += f", {state.deselected:,} deselected"
        self._line(text)

    def _tell_failing(self, case: Case) -> None:
        role = "failed" if case.outcome in ("failed", "error") else "crashed"
        cause = failures.headline(case)
        took = self._paint("dim", words.seconds(case.duration))
        self._mark(role, f"{self._paint(role, case.outcome.upper())} {self._short(case.id)} {took}")
        if cause:
            self._line(f"    {one_line(cause, 160, self._paint.glyph('cut'))}")

    def _tell_suites(self, state: RunState) -> None:
        """A line for each suite whose last test has ended."""
        for suite in state.suites.values():
            if suite.name not in self._told_suites and suite.ended == suite.total:
                self._told_suites.add(suite.name)
                self._tell_suite(state, suite)

    def _tell_suite(self, state: RunState, suite: SuiteTally) -> None:
        other = suite.ended - suite.passed - suite.failing
        parts = [f"{suite.passed:,} passed"]
        parts += [f"{suite.failing:,} failing"] if suite.failing else []
        parts += [f"{other:,} other"] if other else []
        took = self._paint("dim", words.seconds(suite.duration))
        title = self._short(state.names.titles.get(suite.name, suite.name))
        self._mark("failed" if suite.failing else "passed", f"{title}  {', '.join(parts)}  {took}")

    def _tell_progress(self, state: RunState, now: int) -> None:
        if self._live:
            self._next_progress = now + _LIVE
            self._show_live(state, now)
            return
        self._pace = min(self._pace * 2, _LAST_PROGRESS)
        self._next_progress = now + self._pace
        self._line(self._paint("dim", self._progress(state, now)))
        self._flush()

    def _progress(self, state: RunState, now: int) -> str:
        if not state.collected:
            return f"collecting: {words.count(state.found, 'test')} so far, {words.seconds(now)}"
        total = len(state.cases)
        done = state.finished_cases
        filled = _BAR * done // total if total else 0
        bar = self._paint.glyph("bar") * filled + self._paint.glyph("empty") * (_BAR - filled)
        text = f"{bar} {done:,}/{total:,}"
        if state.failing:
            text += f"  {len(state.failing):,} failing"
        text += f"  {words.seconds(now)}"
        oldest = min(state.running.values(), key=lambda running: running.started, default=None)
        if oldest is not None and now - oldest.started > _SECOND:
            age = words.seconds(now - oldest.started)
            text += f"  {age} in {one_line(oldest.id, 60, self._paint.glyph('cut'))}"
        return text

    def _show_live(self, state: RunState, now: int) -> None:
        width = _terminal_width(self._stream) - 1
        self._clear_live()
        self._write(one_line(self._progress(state, now), width, self._paint.glyph("cut")))
        self._live_line = True
        self._flush()

    # -- at the end --

    def _tell_log(self, state: RunState, folder: Path) -> None:
        """Where the events cannot say why nothing ran, pytest's own words may."""
        end = state.finished
        if end is None or end.verdict in ("passed", "interrupted") or end.exit_code in (NO_TESTS, GATE):
            return
        if (
            state.failing
            or state.internal_errors
            or any(one.outcome == "failed" for one in state.uncollected)
        ):
            return
        try:
            with (folder / "pytest.log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_READ))
                text = log.read().decode("utf-8", "backslashreplace")
        except OSError:
            return
        for line in head_and_tail(text, _LOG_LINES):
            self._line(f"  {inert(line)}")

    def _tell_rest(self, state: RunState, reading: Reading) -> None:
        for case in queries.flaky(state):
            self._mark("flaky", f"FLAKY {self._short(case.id)}: passed at attempt {case.attempts}")
        for case in state.cases.values():
            if case.outcome == "interrupted":
                self._mark("crashed", f"INTERRUPTED {self._short(case.id)}: {self._short(case.cause)}")
        not_run = [case for case in state.cases.values() if case.outcome == "not run"]
        if not_run:
            reason = inert(not_run[0].cause) or "no reason known"
            self._mark("crashed", f"{words.count(len(not_run), 'test')} not run: {reason}")
        elif state.finished and state.finished.reason and state.finished.verdict != "passed":
            self._mark("crashed", inert(state.finished.reason))
        for name, (theirs, ours) in queries.disagreement(state).items():
            self._mark("crashed", f"pytest counts {theirs:,} {name}, the events say {ours:,}")
        lost = sum(word.lost for word in state.last_words.values())
        if lost:
            self._mark("crashed", f"{words.count(lost, 'event')} could not be recorded: the disk refused")
        if reading.unread:
            self._mark("crashed", f"{words.count(reading.unread, 'line')} of the journal could not be read")

    def _tell_slowest(self, state: RunState) -> None:
        slow = [case for case in queries.slowest(state, self._slowest) if case.duration >= _SECOND // 10]
        if slow:
            self._line(self._paint("dim", "slowest:"))
        for case in slow:
            self._line(
                f"  {words.seconds(case.duration):>7}  {one_line(case.id, 160, self._paint.glyph('cut'))}"
            )

    def _tell_verdict(self, state: RunState) -> None:
        end = state.finished
        if end is None:
            return
        counts = queries.outcomes(state)
        names = [*_BAD, *(name for name in counts if name not in _BAD)]
        told = [_counted(name, counts[name]) for name in names if counts[name]]
        role = {"passed": "passed", "failed": "failed"}.get(end.verdict, "crashed")
        text = f"{', '.join(told) or 'no tests'} in {words.seconds(end.t)}"
        self._line(f"{self._paint(role, end.verdict.upper())}  {text}  (exit code {end.exit_code})")

    # -- lines --

    def _mark(self, role: str, text: str) -> None:
        self._line(f"{self._paint(role, self._paint.glyph(role))} {text}")

    def _short(self, text: str) -> str:
        return one_line(text, _LONGEST, self._paint.glyph("cut"))

    def _line(self, text: str) -> None:
        if "GITHUB_ACTIONS" in os.environ:
            text = _COMMAND.sub(r"\1\\\2", text)
        self._clear_live()
        self._write(text + "\n")

    def _clear_live(self) -> None:
        if self._live_line:
            self._live_line = False
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def _flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def _counted(name: str, number: int) -> str:
    word = name.replace("_", " ")
    return f"{number:,} {word.removesuffix('s') if number == 1 and name in ('errors', 'warnings') else word}"


def _terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
