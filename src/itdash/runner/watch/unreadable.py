"""Which saved sources Python cannot read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itdash.runner.sources import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.runner.affected import Known
    from itdash.runner.watch.contents import Change

_CHECKED = 50


def unreadable(changes: Sequence[Change], known: Known) -> Iterator[str]:
    """Those that tests would import, of the first few, with the reason."""
    sources = [change.path for change in changes if change.after and change.path.endswith(".py")]
    for path in sources[:_CHECKED]:
        if path in known.importers or path in known.tests or os.path.basename(path) == "conftest.py":
            try:
                with open(path, "rb") as handle:
                    why = problem(path, handle.read())
            except OSError:
                continue
            if why:
                yield f"{os.path.relpath(path, known.root)}, {why}"
