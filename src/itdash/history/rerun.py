"""What failed in one recorded run, wherever it was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.errors import NO_TESTS, ItdashError
from itdash.history import recorded
from itdash.history.archive import opened

if TYPE_CHECKING:
    from pathlib import Path


class NothingFailed(ItdashError):
    """There is nothing to run again."""

    exit_code = NO_TESTS


def failed_in(base: Path, wanted: str) -> frozenset[str]:
    """The ids of the tests that failed in a run, which may be an archive; NothingFailed if there are none."""
    with opened(base, wanted) as (folder, damage):
        found = recorded.read(folder)
    if not found.state.failing:
        raise NothingFailed(
            f"no test failed in run {found.name}", where=wanted,
            mend=damage or "`itdash runs` lists the runs that are kept",
        )  # fmt: skip
    return frozenset(found.state.failing)
