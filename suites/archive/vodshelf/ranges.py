"""Ranges of bytes as HTTP asks for them."""

from __future__ import annotations

import re

from .errors import RangeNotSatisfiable

_ONE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*")


def requested(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole, also where the header makes no sense."""
    match = _ONE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), size if not last else min(size, int(last) + 1)
        if last and int(last) < int(first):
            return None
    if begin >= end:
        raise RangeNotSatisfiable(f"the media have {size} bytes")
    return begin, end
