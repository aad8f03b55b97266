"""Failures as lines that GitHub Actions reads from the log and shows beside the code."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from itdash.errors import GATE
from itdash.render import failures, words
from itdash.render.text import inert
from itdash.state.cases import last_attempt
from itdash.state.gate import suite_verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading
    from itdash.state.cases import Case
    from itdash.state.run import RunState

_MOST: Final = 10
"""GitHub shows no more errors of one step."""

_LENGTH: Final = 500
_ESCAPED: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES: Final = {**_ESCAPED, ":": "%3A", ",": "%2C"}


class Annotation(NamedTuple):
    """One line of the log, before it is written as one; a line of 0 is none."""

    title: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        properties = {"file": self.file, "line": str(self.line or ""), "title": self.title}
        told = ",".join(f"{key}={_escaped(text, _IN_PROPERTIES)}" for key, text in properties.items() if text)
        return f"::error {told}::{_escaped(self.message, _ESCAPED)}"


class Annotations:
    """Prints them when the run is over; `workspace` is where the paths of the repository begin."""

    def __init__(self, stream: TextIO, workspace: str) -> None:
        self._stream, self._workspace = stream, workspace

    def begin(self, state: RunState, folder: Path) -> None: ...

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:  # noqa: ARG002
        """Print as many as are shown, and how many are not."""
        every = list(failed(state, self._workspace))
        lines = [str(one) for one in every[:_MOST]]
        if len(every) > _MOST:
            lines.append(f"::notice title=itdash::and {words.count(len(every) - _MOST, 'more failure')}")
        with contextlib.suppress(OSError):
            self._stream.writelines(f"{line}\n" for line in lines)


def failed(state: RunState, workspace: str) -> Iterator[Annotation]:
    """Files that could not be collected, tests that failed, gates that were not passed."""
    session = next(iter(state.sessions.values()), None)
    root = session.rootdir if session else ""
    for problem in state.uncollected:
        if problem.outcome == "failed":
            told = failures.detail_of(problem.detail).longrepr.strip().rpartition("\n")[2]
            file = _from(workspace, root, problem.node.partition("::")[0])
            yield Annotation(f"cannot collect {problem.node}", told or "no reason known", file)
    for nodeid in state.failing:
        case = state.cases[nodeid]
        file, line = _place(case, root)
        message = failures.headline(case) or case.outcome
        yield Annotation(f"{case.title} {case.outcome}", message, _from(workspace, root, file), line)
    broken = [one for one in suite_verdicts(state) if one.verdict.outcome in ("broken", "never ran")]
    gate = state.finished is not None and state.finished.exit_code == GATE
    for suite, verdict in broken:
        if gate or verdict.outcome == "broken":
            yield Annotation(f"budget of suite {suite}", verdict.message)
    if gate and not broken and state.finished:
        yield Annotation("gate", state.finished.reason)


def _place(case: Case, root: str) -> tuple[str, int]:
    """Where it failed, if that is in its own file; else where the test begins."""
    own = os.path.normpath(os.path.join(root, case.file))
    for report in last_attempt(case).values():
        crash = failures.detail_of(report.detail).crash
        if report.outcome == "failed" and crash and os.path.normpath(os.path.join(root, crash.path)) == own:
            return case.file, crash.lineno
    return case.file, max(0, case.line + 1)


def _from(workspace: str, root: str, file: str) -> str:
    """The path of a file from the repository's folder on, where it is in there."""
    if not file:
        return ""
    path = os.path.relpath(os.path.join(root, file), workspace)
    return file if path.startswith("..") else path


def _escaped(text: str, codes: dict[str, str]) -> str:
    return "".join(codes.get(char, char) for char in inert(text[:_LENGTH]))
