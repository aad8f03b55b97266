"""Roles turned into a terminal's colours, or into nothing; glyphs with plain twins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_ANSI = {
    "passed": "32", "failed": "31;1", "crashed": "35;1", "skipped": "33", "flaky": "33;1",
    "warned": "33", "dim": "2", "strong": "1", "plain": "",
}  # fmt: skip

_GLYPHS = {
    "passed": ("✓", "+"), "failed": ("✗", "x"), "crashed": ("☠", "!"), "skipped": ("-", "-"),
    "flaky": ("~", "~"), "running": ("●", "*"), "bar": ("█", "#"), "empty": ("░", "."), "rule": ("─", "-"),
    "cut": ("…", "..."), "dot": ("·", "-"), "pending": ("·", "."), "open": ("▾", "v"), "closed": ("▸", ">"),
    "mark": ("◆", "#"), "limit": ("╌", "-"), "wall": ("│", "|"), "watching": ("◉", "@"), "paused": ("‖", "="),
    "play": ("▶", ">"),
}  # fmt: skip


class Paint:
    """Puts colour on text for one output stream, and picks its glyphs."""

    def __init__(self, colour: bool, ascii_only: bool) -> None:
        self.colour, self.ascii = colour, ascii_only

    def __call__(self, role: str, text: str) -> str:
        """The text in the colour of its role."""
        code = _ANSI[role]
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text

    def glyph(self, name: str) -> str:
        """A sign, or its plain twin."""
        return _GLYPHS[name][self.ascii]


def paint_for(stream: TextIO, environment: Mapping[str, str] = os.environ, ascii_only: bool = False) -> Paint:
    """Colour on a terminal, unless the environment says otherwise; ASCII where the encoding demands it."""
    colour = stream.isatty() and environment.get("TERM") != "dumb"
    if environment.get("FORCE_COLOR"):
        colour = True
    if environment.get("NO_COLOR"):
        colour = False
    return Paint(colour, ascii_only or not _can_encode(stream))


def _can_encode(stream: TextIO) -> bool:
    try:
        "".join(pair[0] for pair in _GLYPHS.values()).encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
