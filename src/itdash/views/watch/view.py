"""The rounds of watch mode as a compact block of lines each."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

from itdash.render import counts, failures, words
from itdash.render.text import head_and_tail, inert, one_line
from itdash.state.cases import last_attempt
from itdash.views.watch import block

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events import model
    from itdash.render.paint import Paint
    from itdash.runner.execution import Reading
    from itdash.runner.watch.rounds import Round
    from itdash.runner.watch.standing import Turns
    from itdash.state.cases import Case
    from itdash.state.run import RunState

_WIDTH, _TOLD, _WHOLE, _LINES = 76, 20, 3, 16


class WatchView:
    """Prints each round; `gone` tells that nobody reads it any more."""

    def __init__(self, stream: TextIO, paint: Paint, root: Path) -> None:
        self._stream, self._paint, self._root = stream, paint, os.path.realpath(root)
        self._told: set[str] = set()
        self._verdicts = self._first = self._last = 0
        self.gone = False

    # -- the view --

    def begin(self, state: RunState, folder: Path) -> None:  # noqa: ARG002
        """A run of the round begins."""
        self._told.clear()
        self._verdicts = 0

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:  # noqa: ARG002
        """Tell each failure as it comes, and remember when verdicts came."""
        if state.finished_cases > self._verdicts:
            self._verdicts = state.finished_cases
            self._last = time.perf_counter_ns()
            self._first = self._first or self._last
        if len(state.failing) != len(self._told):
            for nodeid in [nodeid for nodeid in state.failing if nodeid not in self._told]:
                self._told.add(nodeid)
                if len(self._told) <= _TOLD:
                    self._failed(state.cases[nodeid])
            self.flush()

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:  # noqa: ARG002
        """Tell what no test tells of."""
        if len(self._told) > _TOLD:
            self.line(self._paint("dim", f"and {len(self._told) - _TOLD:,} more failures"))
        for problem in state.uncollected:
            if problem.outcome == "failed":
                self._mark("failed", f"cannot collect {one_line(problem.node) or '(root)'}")
                self._detail(failures.detail_of(problem.detail).longrepr)
        for error in state.internal_errors[:1]:
            self._mark("crashed", "pytest had an internal error")
            self._detail(error.text)
        for note in state.notes:
            self._mark("skipped", inert(note))

    # -- the rounds --

    def round(self, made: Round) -> None:
        """What changed, and what runs because of it."""
        self._first = self._last = 0
        rule = self._paint.glyph("rule")
        clock = time.strftime("%H:%M:%S")
        self.line("")
        self.line(self._paint("dim", f"{rule * 2} {clock} {rule * (_WIDTH - 12)}"))
        for line in block.begins(made, self._root, self._paint):
            self.line(line)
        self.flush()

    def rest(self, made: Round, number: int, failing: int) -> None:
        """The urgent tests are done, and the others follow."""
        took = block.took(made.saved, self._first, self._last)
        role = "failed" if failing else "passed"
        text = f"{words.count(number, 'test')} first, {failing:,} failing"
        self._mark(role, f"{text}  {self._paint('dim', f'{took}; the rest follows'.lstrip('; '))}")
        self.flush()

    def over(self, made: Round, turns: Turns, state: RunState, ran: tuple[int, int], first: bool) -> None:
        """What the round turned, its verdict, how long it took."""
        for line in block.turned(turns, self._paint, first):
            self.line(line)
        end = state.finished
        if end is not None:
            role = "failed" if ran[1] or turns.broken else counts.role(end.verdict)
            word = "FAILED" if ran[1] or turns.broken else end.verdict.upper()
            tests = f"{words.count(ran[0], 'test')}, {ran[1]:,} failing"
            why = f"  {inert(end.reason)}" if end.verdict not in ("passed", "failed") and end.reason else ""
            took = block.took(made.saved, self._first, self._last) or words.seconds(end.t)
            self.line(f"{self._paint(role, word)}  {tests}  {self._paint('dim', took)}{why}")
        for line in block.left_out(made, self._paint):
            self.line(line)
        self.flush()

    def say(self, role: str, text: str) -> None:
        """A line of its own."""
        self._mark(role, inert(text))
        self.flush()

    def keys(self, told: str) -> None:
        """What the keys do."""
        self.line(self._paint("dim", told))
        self.flush()

    def ring(self) -> None:
        """Sound the bell of a terminal."""
        if self._stream.isatty():
            self._write("\a")
            self.flush()

    # -- lines --

    def _failed(self, case: Case) -> None:
        role = "failed" if case.outcome in ("failed", "error") else "crashed"
        sign = self._paint.glyph("cut")
        self._mark(role, f"{self._paint(role, case.outcome.upper())} {one_line(case.id, 200, sign)}")
        cause = failures.headline(case)
        if len(self._told) <= _WHOLE:
            for stage in last_attempt(case).values():
                if stage.outcome == "failed":
                    self._detail(failures.detail_of(stage.detail).longrepr or cause)
                    return
        if cause:
            self.line(f"    {one_line(cause, 160, sign)}")

    def _detail(self, text: str) -> None:
        for line in head_and_tail(text, _LINES):
            self.line(f"    {inert(line)}")

    def _mark(self, role: str, text: str) -> None:
        self.line(f"{self._paint(role, self._paint.glyph(role))} {text}")

    def line(self, text: str) -> None:
        """One line."""
        self._write(text + "\n")

    def flush(self) -> None:
        """Let it be read."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.gone = True

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except (OSError, ValueError):
            self.gone = True
