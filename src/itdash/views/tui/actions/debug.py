"""Runs one test under pdb in the place of the screen, with the arguments of the run."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

from itdash.render.text import one_line
from itdash.views.tui.actions import foreground, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp

_TAKE_A_WORD: Final = frozenset({
    "-c", "--config-file", "--rootdir", "--confcutdir", "--basetemp", "--ignore", "--ignore-glob",
    "--deselect", "--junit-xml", "--junitxml", "--log-file", "--override-ini", "--json-report-file", "-o",
    "-p", "-k", "-m", "-W",
})  # fmt: skip
"""Options after which a word that is the name of a file does not stand for tests."""


def command(
    nodeid: str, root: str, cwd: str, options: Sequence[str], extra: Sequence[str], *, distributed: bool
) -> list[str]:
    """What runs exactly this test under pdb, in one process."""
    file, separator, rest = nodeid.partition("::")
    path = os.path.relpath(os.path.join(root, file), cwd)
    if path.startswith(("-", "@")):
        path = os.path.join(".", path)  # pytest reads arguments from a file after an @
    argv = [sys.executable, "-m", "pytest", f"{path}{separator}{rest}", *options]
    argv += _without_places(extra, cwd)
    if distributed:
        argv += ["-n0"]  # pytest-xdist refuses to debug in its workers
    return [*argv, f"--rootdir={root}", "--pdb"]


def _without_places(words: Sequence[str], cwd: str) -> list[str]:
    """The user's arguments without those that name tests to run."""
    found: list[str] = []
    for word in words:
        after_option = bool(found) and found[-1] in _TAKE_A_WORD
        names_tests = not word.startswith("-") and os.path.exists(os.path.join(cwd, word.partition("::")[0]))
        if after_option or not names_tests:
            found.append(word)
    return found


def debug(app: ItdashApp, node: Node) -> None:
    """Run a test under pdb; not beside a run, which would use the same ports, files and processors."""
    if node.kind != "test":
        app.notify("choose a single test: pdb is for one at a time")
        return
    if app.session.execution is not None:
        app.notify("a run goes on: debug when it has ended, or end it first", severity="warning")
        return
    cwd, state = str(app.session.terms.cwd), app.board.state
    root = place.rootdir(state, cwd)
    distributed = any(session.distributed for session in state.sessions.values())
    options = app.config.pytest_args
    argv = command(node.id, root, cwd, options, app.request.extra, distributed=distributed)
    try:
        shown = one_line(shlex.join(["python", *argv[1:]]))
        foreground.run(app, argv, cwd=cwd, greeting=f"\n$ {shown}\n\n", farewell=_farewell)
    except foreground.NoTerminal:
        app.notify("this terminal cannot be given to pdb", severity="warning")
    except (OSError, ValueError) as error:
        text = f"the test cannot be debugged: {one_line(str(error))}"
        app.notify(text, severity="error", timeout=10, markup=False)


def _farewell(code: int) -> str:
    how = f"ended with code {code}" if code >= 0 else f"was ended by signal {-code}"
    return f"\npytest {how}. Press Enter to go back to the dashboard."
