"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult  # noqa: TC002
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static


class Ask(ModalScreen[bool]):
    """Yes or no."""

    BINDINGS: ClassVar = [
        Binding("y,enter,q,ctrl+c", "answer(True)", "yes"), Binding("n,escape", "answer(False)", "no"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Ask {
        align: center middle;
        background: $background 60%;
        Vertical {
            width: auto; max-width: 90%; height: auto; padding: 1 3;
            background: $panel; border: round $frame-focused;
        }
        Static { width: auto; }
    }
    """

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and the keys that answer it."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield Static("y or q: yes    n or Escape: no", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Give the answer."""
        self.dismiss(yes)
