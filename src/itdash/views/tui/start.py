"""From the command line to the first picture: pytest is started before textual is imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from itdash.errors import INTERNAL_ERROR
from itdash.render import counts
from itdash.render.paint import paint_for
from itdash.session import Session, View, go_on
from itdash.views.tui.board import Board

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itdash.config import Loaded
    from itdash.render.paint import Paint
    from itdash.runner.command import Request
    from itdash.runner.process import Link
    from itdash.session import Terms

    Write = Callable[[Path], Sequence[Path]]


def open_dashboard(
    link: Link, loaded: Loaded, request: Request, terms: Terms, files: Sequence[View], write: Write,
    watches: bool = False, affected: bool = False,
) -> int:  # fmt: skip
    """Start the run, show it until the user leaves, and return the exit code of the last run.

    `write` makes the documents of a recorded run and tells where they are.
    """
    if loaded.origins["theme"] != "default":
        from itdash.views.tui.themes import at_start

        at_start(loaded)  # a name that no theme has is told before anything is started
    board = Board()
    session = Session(terms, link, [*files, board], several=True)
    try:
        if watches:
            from itdash.runner.watch.rounds import Rounds

            rounds = Rounds(request, loaded.config, loaded.root, terms.cwd, affected)
            rounds.start()
            first = rounds.opening().first
        else:
            rounds, first = None, request
        ours = session.start(first, loaded.config) if first is not None else None
        from itdash.views.tui.app import ItdashApp

        paint = paint_for(sys.stdout, ascii_only=loaded.config.ascii)
        app = ItdashApp(session, loaded, request, board, paint, write)
        if rounds is not None:
            from itdash.views.tui.watching import Watch

            app.saves = Watch(app, rounds, ours)
        code = app.run()
        if code is not None:
            _say_goodbye(board, paint)
            return code
        print("itdash: the screen broke; the run goes on without it", file=sys.stderr)
        return go_on(session) or INTERNAL_ERROR
    finally:
        session.close()


def _say_goodbye(board: Board, paint: Paint) -> None:
    """What the terminal keeps of the last run, once the screen is gone."""
    end = board.state.finished
    try:
        if end is not None:
            print(counts.verdict(end, board.state, paint))
        if board.folder is not None:
            print(paint("dim", f"kept in {board.folder}"))
    except OSError:
        return  # the terminal is gone as well
