"""What `launch` does when it is to watch, or to run only what changes concern."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from itdash.errors import PASSED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.config import Loaded
    from itdash.runner.command import Request
    from itdash.runner.process import Link
    from itdash.session import Terms, View


def watch(
    link: Link, loaded: Loaded, request: Request, terms: Terms, files: Sequence[View], affected: bool,
    reports: Sequence[Path],
) -> int:  # fmt: skip
    """Run at once, and again whenever something is saved."""
    from itdash.render.paint import paint_for
    from itdash.runner.watch.rounds import Rounds
    from itdash.session import Session
    from itdash.views.watch.loop import Loop
    from itdash.views.watch.view import WatchView

    gc.enable()  # this may go on for days
    config = loaded.config
    view = WatchView(sys.stdout, paint_for(sys.stdout, ascii_only=config.ascii), loaded.root)
    rounds = Rounds(request, config, loaded.root, terms.cwd, affected, _written(reports))
    # A gate asks what all tests prove together, which no round of some tests can answer.
    session = Session(replace(terms, share="", strict=False), link, [view, *files], several=True)
    return Loop(session, rounds, config, view).run()


def run_affected(
    link: Link, loaded: Loaded, request: Request, terms: Terms, views: Sequence[View], reports: Sequence[Path]
) -> int:
    """Run once what is concerned by changes since the last such run."""
    from itdash.render.paint import paint_for
    from itdash.runner.watch.rounds import Rounds
    from itdash.session import Session, go_on
    from itdash.views.watch import block

    config = loaded.config
    paint = paint_for(sys.stdout, ascii_only=config.ascii)
    rounds = Rounds(request, config, loaded.root, terms.cwd, True, _written(reports))
    session = Session(terms, link, views)
    rounds.start()
    try:
        made = rounds.opening()
        for line in [*block.begins(made, os.path.realpath(loaded.root), paint), *block.left_out(made, paint)]:
            print(line)
        if made.first is None:
            return 1 if made.problems else PASSED
        run = session.begin(session.planned(made.first, config))
        code = go_on(session)
        rounds.over(run.state, run.folder)
        return code
    finally:
        rounds.close()
        session.close()


def _written(reports: Sequence[Path]) -> list[str]:
    return [os.path.abspath(path) for path in reports]
