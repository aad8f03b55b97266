"""Numbers and times in words."""

from __future__ import annotations


def spelled(text: str, ascii_only: bool) -> str:
    """Our own text in signs that the reader's terminal can show."""
    return text.replace("µ", "u") if ascii_only else text


def seconds(ns: int, ascii_only: bool = False) -> str:
    """A duration as a person would say it: 85µs, 12ms, 1.24s, 2m05s, 1h02m."""
    if ns < 0:
        return f"-{seconds(-ns, ascii_only)}"
    # Each bound is where the rounded number would need the next larger unit.
    if ns < 999_500:
        return spelled(f"{ns / 1e3:.0f}µs", ascii_only)
    if ns < 999_500_000:
        ms = ns / 1e6
        return f"{ms:.1f}ms" if ms < 9.95 else f"{ms:.0f}ms"
    if ns < 59_950_000_000:
        s = ns / 1e9
        return f"{s:.2f}s" if s < 9.995 else f"{s:.1f}s"
    minutes, rest = divmod(round(ns / 1e9), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(round(ns / 60e9), 60)
    return f"{hours}h{minutes:02d}m"


def count(number: int, one: str, many: str = "") -> str:
    """`1 test`, `1,204 tests`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """A number of bytes: 512 B, 3.4 kB, 120 MB."""
    if number < 1000:
        return f"{number} B"
    unit, value = "kB", number / 1000
    for larger in ("MB", "GB"):
        if value >= 999.5:
            unit, value = larger, value / 1000
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
