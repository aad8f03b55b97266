"""Opens a test in the user's editor, at the line where it failed or begins."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.text import one_line
from itdash.views.tui.actions import foreground, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp

_PLUS: Final = frozenset({
    "vi", "vim", "nvim", "vim.basic", "vim.tiny", "elvis", "ex", "nano", "rnano", "pico", "emacs",
    "emacsclient", "micro", "kak", "joe", "jed", "ne", "mg", "zile", "mcedit", "gvim", "mvim", "gedit",
})  # fmt: skip
"""`+12 file`."""

_COLON: Final = frozenset({"hx", "helix", "subl", "sublime_text", "zed", "zeditor", "lapce"})
"""`file:12`."""

_GOTO: Final = frozenset({"code", "code-insiders", "code-oss", "codium", "vscodium", "cursor", "windsurf"})
"""`--goto file:12`."""

_LINE: Final = frozenset({"kate", "kwrite", "pycharm", "pycharm.sh", "idea", "idea.sh", "charm"})
"""`--line 12 file`."""

_WINDOWS: Final = _GOTO | _LINE | {"subl", "sublime_text", "zed", "zeditor", "lapce", "gvim", "mvim", "gedit"}
"""They have a window of their own: the dashboard stays."""

_WAIT: Final = frozenset(("-w", "--wait"))


class Opening(NamedTuple):
    """How a file is opened: with which words, in a window or in this terminal, and whether at the line."""

    argv: tuple[str, ...]
    window: bool
    at_line: bool


def command(environment: Mapping[str, str], file: str, line: int) -> Opening | None:
    """How to open the file; nothing where no editor is set, ValueError where the setting cannot be read."""
    for name in ("VISUAL", "EDITOR"):
        words = shlex.split(environment.get(name, ""))
        if words:
            break
    else:
        return None
    program = os.path.basename(words[0]).removesuffix(".exe")
    window = program in _WINDOWS
    if window:
        words = [word for word in words if word not in _WAIT]
    if program in _PLUS:
        return Opening((*words, f"+{line}", file), window, True)
    if program in _COLON:
        return Opening((*words, f"{file}:{line}"), window, True)
    if program in _GOTO:
        return Opening((*words, "--goto", f"{file}:{line}"), window, True)
    if program in _LINE:
        return Opening((*words, "--line", str(line), file), window, True)
    return Opening((*words, file), False, False)


def edit(app: ItdashApp, node: Node) -> None:
    """Open the file of a test, a class or a file."""
    if node.kind == "suite":
        app.notify("choose a test or a file: a suite is in several")
        return
    cwd = str(app.session.terms.cwd)
    root = place.rootdir(app.board.state, cwd)
    file = place.file_of(node.id, root)
    shown = one_line(os.path.relpath(file, cwd))
    if not os.path.exists(file):
        app.notify(f"{shown} is not there", severity="warning", markup=False)
        return
    line = place.line_of(node.case, file, root)
    try:
        opening = command(os.environ, file, line)
        if opening is None:
            text = (
                f"no editor is set: export EDITOR=..., for example vim; the test is in {shown}, line {line}"
            )
            app.notify(text, severity="warning", timeout=10, markup=False)
            return
        _open(app, opening, cwd)
    except foreground.NoTerminal:
        app.notify("this terminal cannot be given to another program", severity="warning")
    except (OSError, ValueError) as error:
        setting = os.environ.get("VISUAL") or os.environ.get("EDITOR", "")
        text = f"the editor {one_line(setting)!r} cannot be started: {one_line(str(error))}"
        app.notify(text, severity="error", timeout=10, markup=False)
    else:
        if not opening.at_line:
            text = f"how this editor is told a line is not known: the place is line {line} of {shown}"
            app.notify(text, markup=False)


def _open(app: ItdashApp, opening: Opening, cwd: str) -> None:
    if opening.window:
        nothing = subprocess.DEVNULL
        subprocess.Popen(
            opening.argv, cwd=cwd, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
        return
    code = foreground.run(app, opening.argv, cwd=cwd, meanwhile=app.session.step)
    if code:
        app.notify(f"the editor ended with {code}", severity="warning")
