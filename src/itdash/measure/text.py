"""Foreign text made fit for one line of a message: nothing in it moves the cursor or breaks the line."""

from __future__ import annotations

from unicodedata import combining, east_asian_width


def printable(text: str) -> str:
    """The text with white space as blanks, and question marks for whatever else does not print."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal printable text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def underlined(text: str, position: int, length: int, width: int = 76) -> str:
    """The text around the position on one line, with carets under the given part of it on the next."""
    first = max(0, min(position - width // 2, len(text) - width))
    before = "..." if first else ""
    after = "..." if first + width < len(text) else ""
    shown = printable(text[first : first + width])
    start = position - first
    carets = "^" * max(1, columns(shown[start : start + length]))
    return f"{before}{shown}{after}\n{' ' * columns(before + shown[:start])}{carets}"
