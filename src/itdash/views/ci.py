"""The run as lines for a log or a terminal: what fails as it fails, progress at a human pace, a verdict."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from itdash import __version__
from itdash.events import model
from itdash.render import counts, failures, log, measures, resources, words
from itdash.render import requirements as required
from itdash.render.text import inert, one_line
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
_BAR, _ROOM_FOR_BAR = 20, 50
_LONGEST = 300
_COMMAND = re.compile(r"^(\s*)(::|##\[)", re.M)  # what a test prints must not steer the machine that runs it


class CiView:
    """Prints to one stream. On a terminal the last line is live; elsewhere a line comes every few seconds."""

    def __init__(self, stream: TextIO, paint: Paint, slowest: int, failures_shown: int, live: bool) -> None:
        self._stream, self._paint = stream, paint
        self._slowest, self._failures_shown, self._live = slowest, failures_shown, live
        self._told_failing: set[str] = set()
        self._told_suites: dict[str, tuple[int, int]] = {}
        self._told_collection = False
        self._next_progress = _LIVE if live else _FIRST_PROGRESS
        self._pace = _FIRST_PROGRESS
        self._live_line = False
        self._refused: OSError | None = None
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
            self._tell_recovered(state)
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
        for line in log.lines(state, folder):
            self._line(line)
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
        self._tell_refusal()

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
        if state.shards:
            text += f", shard {', '.join(f'{one.index}/{one.total}' for one in state.shards)}"
        if state.deselected:
            text += f", {state.deselected:,} deselected"
        self._line(text)
        for name in queries.empty_suites(state):
            self._mark("skipped", f"suite {self._short(state.names.titles[name])}: no tests")

    def _tell_failing(self, case: Case) -> None:
        role = "failed" if case.outcome in ("failed", "error") else "crashed"
        cause = failures.headline(case)
        took = self._paint("dim", words.seconds(case.duration, self._paint.ascii))
        self._mark(role, f"{self._paint(role, case.outcome.upper())} {self._short(case.id)} {took}")
        if cause:
            self._line(f"    {one_line(cause, 160, self._paint.glyph('cut'))}")

    def _tell_recovered(self, state: RunState) -> None:
        """What was told as failing and has passed since."""
        for nodeid in [nodeid for nodeid in self._told_failing if nodeid not in state.failing]:
            case = state.cases.get(nodeid)
            if case is None or case.outcome:
                self._told_failing.discard(nodeid)
            if case is not None and case.outcome == "passed":
                self._mark("flaky", f"{self._short(case.id)} passed at attempt {case.attempts}")
                self._ended = -1  # its suite's line may not hold any more

    def _tell_suites(self, state: RunState) -> None:
        """A line for each suite whose last test has ended, and another where a test ended once more."""
        for suite in state.suites.values():
            told = (suite.passed, suite.failing)
            if suite.ended == suite.total and self._told_suites.get(suite.name) != told:
                self._told_suites[suite.name] = told
                self._tell_suite(state, suite)

    def _tell_suite(self, state: RunState, suite: SuiteTally) -> None:
        parts = [f"{suite.passed:,} passed"]
        parts += [f"{suite.failing:,} failing"] if suite.failing else []
        parts += [f"{number:,} {one_line(outcome)}" for outcome, number in suite.others.items() if number]
        took = self._paint("dim", words.seconds(suite.duration, self._paint.ascii))
        title = self._short(state.names.titles.get(suite.name, suite.name))
        fine = suite.passed and not suite.others["interrupted"]
        role = "failed" if suite.failing else "passed" if fine else "skipped"
        self._mark(role, f"{title}  {', '.join(parts)}  {took}")

    def _tell_progress(self, state: RunState, now: int) -> None:
        if self._live:
            self._next_progress = now + _LIVE
            self._show_live(state, now)
            return
        self._pace = min(self._pace * 2, _LAST_PROGRESS)
        self._next_progress = now + self._pace
        self._line(self._paint("dim", self._progress(state, now, _BAR)))
        self._flush()

    def _progress(self, state: RunState, now: int, width: int) -> str:
        if not state.collected:
            return f"collecting: {words.count(state.found, 'test')} so far, {words.seconds(now)}"
        total = len(state.cases)
        done = state.finished_cases
        filled = width * done // total if total else 0
        bar = self._paint.glyph("bar") * filled + self._paint.glyph("empty") * (width - filled)
        text = f"{bar} {done:,}/{total:,}".lstrip()
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
        bar = _BAR if width >= _ROOM_FOR_BAR else 0
        self._write(one_line(self._progress(state, now, bar), width, self._paint.glyph("cut")))
        self._live_line = True
        self._flush()

    # -- at the end --

    def _tell_rest(self, state: RunState, reading: Reading) -> None:
        for case in queries.flaky(state):
            self._mark("flaky", f"FLAKY {self._short(case.id)}: passed at attempt {case.attempts}")
        for case in state.cases.values():
            if case.outcome == "interrupted":
                self._mark("crashed", f"INTERRUPTED {self._short(case.id)}: {self._short(case.cause)}")
        not_run = [case for case in state.cases.values() if case.outcome == "not run"]
        role = counts.role(state.finished.verdict) if state.finished else "skipped"
        role = "skipped" if role == "passed" else role
        if not_run:
            reason = inert(not_run[0].cause) or "no reason known"
            self._mark(role, f"{words.count(len(not_run), 'test')} not run: {reason}")
        elif state.finished and state.finished.reason and state.finished.verdict != "passed":
            self._mark(role, inert(state.finished.reason))
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
        self._line(counts.verdict(end, state, self._paint))

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
        try:
            self._stream.write(text)
        except OSError as error:
            self._refused = error

    def _flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._refused = error

    def _tell_refusal(self) -> None:
        """A reader may go away, but a full disk is told; what it refused is given up."""
        error = self._refused
        if error is None or error.errno in (errno.EPIPE, errno.EIO):
            return
        with contextlib.suppress(OSError, ValueError):
            print(f"itdash: the output is not whole: {error.strerror}", file=sys.stderr)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


def _terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
