"""Where pytest did not even begin: whether it is too old, or something else bears its name."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.events import model
    from itdash.runner.execution import Reading
    from itdash.state.run import RunState


class Unfit:
    """Prints the mend on the error output, at the end of a run that had no session of pytest."""

    def begin(self, state: RunState, folder: Path) -> None:
        """There is nothing to tell yet."""

    def show(self, state: RunState, events: Sequence[model.AnyEvent], now: int) -> None:
        """There is nothing to tell yet."""

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Look for the cause, which takes time, only now."""
        del reading
        if state.sessions or state.requests or state.run is None:
            return
        from itdash.doctor import pytests
        from itdash.doctor.finding import Patient
        from itdash.render.text import one_line

        for finding in pytests.required(Patient(folder, os.environ, folder)):
            if finding.state == "wrong":
                print(f"itdash: {finding.what}: {one_line(finding.found)}", file=sys.stderr)
                print(f"  mend:  {one_line(finding.mend)}", file=sys.stderr)
