"""The ends that itdash gives to what a process left open when it went."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec

from itdash.events import model

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.state.run import RunState

_STACKS_KEPT = 65_536


def signal_name(code: int | None) -> str:
    """The name of the signal that an exit code stands for, or nothing."""
    if code is None or code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def ends(state: RunState, part: int, folder: Path, now: int) -> list[model.Event]:
    """An event for what will have no report from a process that ended: its tests, or the file it imported."""
    code = state.ends[part].exit_code
    last = state.last_words.get((part, ""))
    if state.requests:
        return _interrupted(state, state.requests[0].why, now)
    events = _cut_off(state, part, folder, now)
    if last is not None and last.exit_code == code and not _broke(state, part):
        why = "; ".join(stop.reason for stop in state.stopped) or "pytest was stopped"
        return [*events, *_interrupted(state, why, now)]
    how = how_it_ended(state, part)
    for number, running in state.running.items():
        stacks = stacks_since(folder, part, running.worker) if state.ends[part].signal else ""
        events.append(model.CaseAborted(now, number, "crashed", f"{how} in {running.stage}", stacks))
    if not state.running and last is None and "" in state.collecting:
        events.append(uncollected(now, state.collecting[""].node, how, stacks_since(folder, part, "")))
    return events


def _cut_off(state: RunState, part: int, folder: Path, now: int) -> list[model.Event]:
    """The files in whose import a worker ended; only a note where another worker came through."""
    if any(problem.outcome == "failed" for problem in state.uncollected):
        return []  # that is why, and other workers were in the middle of other files
    lost = [*state.cut_off, *(file for worker, file in state.collecting.items() if worker)]
    files = {file.node: file for file in lost if (part, file.worker) not in state.last_words}
    if state.collected:
        told = "a worker ended while {} was collected; another collected it"
        return [model.NoteAdded(now, told.format(node)) for node in files]
    return [
        uncollected(now, node, "its worker ended", stacks_since(folder, part, file.worker))
        for node, file in files.items()
    ]


def crashed(state: RunState, part: int) -> bool:
    """Whether a process went unasked while its tests were known, so that another may run what is left."""
    if state.requests:
        return False
    last = state.last_words.get((part, ""))
    if last is None:
        return bool(state.cases)
    began = state.processes[part].t if part in state.processes else 0
    in_test = any(
        case.outcome == "crashed" and not case.worker and case.ended > began for case in state.cases.values()
    )
    return in_test and (_broke(state, part) or last.exit_code != state.ends[part].exit_code)


def is_doubtful(state: RunState, part: int) -> bool:
    """Whether a process ended in a way that its own state may have caused, and not only its tests."""
    end, last = state.ends[part], state.last_words.get((part, ""))
    if end.exit_code is None or end.signal:
        return True
    asked = bool(state.requests)
    return not asked and (last is None or last.exit_code != end.exit_code or _broke(state, part))


def _broke(state: RunState, part: int) -> bool:
    """Whether pytest or a plugin failed in this process."""
    began = state.processes[part].t if part in state.processes else 0
    return any(error.t > began for error in state.internal_errors)


def _interrupted(state: RunState, why: str, now: int) -> list[model.Event]:
    return [
        model.CaseAborted(now, number, "interrupted", f"{why}, in {running.stage}")
        for number, running in state.running.items()
    ]


def how_it_ended(state: RunState, part: int) -> str:
    """The end of a process in a few words."""
    end = state.ends[part]
    if end.exit_code == 3 and _broke(state, part):
        return "internal error of pytest"
    return end.signal or ("its parent was killed" if end.exit_code is None else f"exit {end.exit_code}")


def uncollected(now: int, node: str, how: str, stacks: str) -> model.CollectionFailed:
    """A file in whose import the process ended, or had to be ended."""
    longrepr = f"{how} while this file was collected\n{stacks}"
    detail = {"nodeid": node, "outcome": "failed", "result": [], "longrepr": longrepr}
    return model.CollectionFailed(now, node, "failed", "error", msgspec.Raw(msgspec.json.encode(detail)))


def _stacks(folder: Path, part: int, worker: str) -> Path:
    return folder / "stacks" / f"pytest-{part}{'-' if worker else ''}{worker}.txt"


def stacks_size(folder: Path, part: int, worker: str) -> int:
    """How many bytes of stacks a process has written so far."""
    try:
        return os.stat(_stacks(folder, part, worker)).st_size
    except OSError:
        return 0


def stacks_since(folder: Path, part: int, worker: str, start: int = 0) -> str:
    """The stacks that a process wrote after `start`, bounded."""
    try:
        with _stacks(folder, part, worker).open("rb") as handle:
            handle.seek(start)
            return handle.read(_STACKS_KEPT).decode("utf-8", "backslashreplace")
    except OSError:
        return ""
