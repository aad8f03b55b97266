"""Numbers and times in words."""

from __future__ import annotations


def seconds(ns: int) -> str:
    """A duration as a person would say it: 85us, 12ms, 1.24s, 2m05s, 1h02m."""
    if ns < 1_000_000:
        return f"{ns / 1e3:.0f}us"
    if ns < 1_000_000_000:
        ms = ns / 1e6
        return f"{ms:.1f}ms" if ms < 10 else f"{ms:.0f}ms"
    if ns < 10_000_000_000:
        return f"{ns / 1e9:.2f}s"
    if ns < 60_000_000_000:
        return f"{ns / 1e9:.1f}s"
    minutes, rest = divmod(round(ns / 1e9), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


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
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
