"""Puts the id or the failure of a test on the clipboard, as text that can do nothing where it is pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.render import words
from itdash.render.inspect.failure import failure_text
from itdash.render.text import inert, one_line

if TYPE_CHECKING:
    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp


def copy_id(app: ItdashApp, node: Node) -> None:
    """The node id of a test or a branch."""
    _copy(app, one_line(node.id), one_line(node.id, 60))


def copy_failure(app: ItdashApp, node: Node) -> None:
    """The whole failure of a test as text."""
    case = node.case
    if case is None or not (case.failing or case.cause):
        app.notify("there is no failure to copy")
        return
    text = failure_text(case)
    _copy(app, text, f"the failure, {words.count(len(text.splitlines()), 'line')}")


def _copy(app: ItdashApp, text: str, what: str) -> None:
    app.copy_to_clipboard(inert(text))
    app.notify(f"copied, if this terminal lets programs copy: {what}", markup=False)
