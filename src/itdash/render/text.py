"""Foreign text made inert: it can be read, and can do nothing."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, DEL, line and paragraph separators, and everything that turns the direction of writing.
_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def inert(text: str) -> str:
    """The text with tabs widened and every active character written as its code."""
    return _ACTIVE.sub(_code, text.replace("\r\n", "\n").expandtabs(4))


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def one_line(text: str, width: int = 0) -> str:
    """The text on one line, cut with a sign when it is wider than `width` columns."""
    line = " ".join(inert(text).split("\n"))
    return cut(line, width) if width else line


def cut(line: str, width: int, sign: str = "…") -> str:
    """At most `width` columns of a line; the sign stands for what is missing."""
    if columns(line) <= width:
        return line
    kept, used = [], columns(sign)
    for char in line:
        used += _width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept) + sign


def columns(text: str) -> int:
    """How many columns a terminal gives this text."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def head_and_tail(text: str, lines: int) -> list[str]:
    """At most `lines` lines, from both ends, with a line between that counts what is left out."""
    every = text.splitlines()
    if len(every) <= lines:
        return every
    half = lines // 2
    return [*every[:half], f"[... {len(every) - 2 * half} lines left out ...]", *every[-half:]]
