"""A session that is told over standard input what to do, and tells on standard output what became of it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itdash.runner.process import start_keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.config import Config
    from itdash.runner.process import Link
    from itdash.session import Session
    from itdash.state.run import RunState

LIMIT = 60


class Kept:
    """A view that keeps the state."""

    state: RunState
    folder: Path
    link: Link

    def begin(self, state: RunState, folder: Path) -> None:
        """The run directory is there."""
        self.state, self.folder = state, folder

    def show(self, state: RunState, events: Sequence[object], now: int) -> None:
        """Nothing is shown."""

    def end(self, state: RunState, folder: Path, reading: object) -> None:
        """Nothing is written."""


def run(session: Session, view: Kept, config: Config, told: dict[str, Any]) -> dict[str, Any]:
    """One run, interrupted once a test runs if that is asked for."""
    from itdash.runner.command import Request

    session.start(Request(paths=tuple(told.get("paths", ())), extra=tuple(told.get("extra", ()))), config)
    execution = session.execution
    assert execution is not None
    began, stopped = time.monotonic(), False
    while not session.step():
        if told.get("announce") and execution.state.running and not stopped:
            stopped = True
            print(json.dumps(pids(execution.link, execution.state)), flush=True)
            if told["announce"] == "stop":
                session.stop(signal.SIGINT)
        assert time.monotonic() - began < LIMIT
        select.select([execution.link.inbox.fd], [], [], 0.01)
    view.link = execution.link
    session.finish()
    state = view.state
    log = view.folder / "pytest.log"
    return {
        "processes": [[process.warm, process.cold] for process in state.processes.values()],
        "verdict": state.finished.verdict if state.finished else "",
        "exit_code": state.finished.exit_code if state.finished else -1,
        "outcomes": {case.id.rpartition("::")[2]: case.outcome for case in state.cases.values()},
        "warnings": len(state.warnings),
        "notes": [getattr(note, "text", str(note)) for note in state.notes],
        "orphans": len(state.orphans),
        "log": log.read_text(errors="replace") if log.exists() else "",
        **pids(execution.link, state),
    }


def pids(link: Link, state: RunState) -> dict[str, int]:
    """Who is who."""
    return {"keeper": link.keeper, "run": next((p.pid for p in state.processes.values()), 0)}


def prepare(session: Session, link: Link, told: dict[str, Any]) -> dict[str, Any]:
    """Say that a run may follow, and wait until a warm process waits for it."""
    session.prepare()
    until = time.monotonic() + LIMIT
    heard: list[tuple[Any, ...]] = []
    while not (told.get("cold") or any(message[0] == "warm" for message in heard)):
        assert time.monotonic() < until, heard
        select.select([link.inbox.fd], [], [], 1)
        heard += link.inbox.receive()
    return {"heard": heard, "keeper": link.keeper}


def main() -> None:
    """Obey lines of JSON until there are no more."""
    link = start_keeper()
    from itdash.config import Config
    from itdash.session import Session, Terms

    here = Path.cwd()
    view = Kept()
    session = Session(Terms(here, here, ()), link, [view], several=True)
    config = Config(**json.loads(os.environ.get("WARM_TEST_CONFIG", "{}")))
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "run":
            answer = run(session, view, config, told)
            link = view.link
        else:
            answer = prepare(session, link, told)
        print(json.dumps(answer), flush=True)
    session.close()


if __name__ == "__main__":
    main()
