"""`itdash launch` as a second run of its session, forked from a warm process; for tests to start."""

from __future__ import annotations

import os
import select
import sys
import time
from itertools import pairwise
from pathlib import Path

from itdash.runner.process import start_keeper

LIMIT = 60


def main(arguments: list[str]) -> int:
    """Run one trivial test in another folder, wait until a warm process waits, and launch."""
    link = start_keeper()
    from itdash.cli import run
    from itdash.config import Config
    from itdash.runner.command import Request
    from itdash.session import Session, Terms, go_on

    here = Path.cwd()
    beside = here.parent / "warm-up"
    beside.mkdir(exist_ok=True)
    (beside / "pytest.ini").write_text("[pytest]\n")
    (beside / "test_nothing.py").write_text("def test_nothing(): pass\n")
    without = sys.argv[1:]
    extra = tuple(without[without.index("--") + 1 :]) if "--" in without else ()
    quiet = tuple(word for pair in pairwise(extra) if pair[0] == "-p" for word in pair)
    session = Session(Terms(here, here, ()), link, [], several=True)
    session.start(Request(paths=("../warm-up",), extra=quiet), Config(directory="../warm-up/.itdash"))
    go_on(session)
    session.prepare()
    until = time.monotonic() + LIMIT
    while not any(message[0] == "warm" for message in link.inbox.receive()):
        if time.monotonic() > until:
            return 99
        select.select([link.inbox.fd], [], [], 1)
    return run(arguments, link)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
