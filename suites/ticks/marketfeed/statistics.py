"""What a part counts about itself."""

from __future__ import annotations

from collections import Counter

from itdash import probe


class Statistics:
    """Totals since the part was made; the probe hears of each as well."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._totals: Counter[str] = Counter()

    def count(self, name: str, n: int = 1) -> None:
        self._totals[name] += n
        probe.count(f"{self._part}.{name}", n)

    def __getitem__(self, name: str) -> int:
        return self._totals[name]

    def snapshot(self) -> dict[str, int]:
        return dict(self._totals)
