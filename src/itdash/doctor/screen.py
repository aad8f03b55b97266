"""The terminal: whether a full screen can be drawn, its size, colours, and the signs that it can show."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from itdash.doctor.finding import Finding
from itdash.render.paint import paint_for

if TYPE_CHECKING:
    from itdash.doctor.finding import Findings, Patient

_COLUMNS, _LINES = 60, 16
_ROOMY: Final = 100


def terminal(patient: Patient) -> Findings:
    """Whether there is one, and of which kind and size."""
    kind = patient.environment.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("terminal", "good", "none here: runs are printed as lines, as in CI")
    elif kind in ("", "dumb"):
        found = f"TERM is {kind or 'not set'}: runs are printed as lines"
        yield Finding("terminal", "note", found, "for the dashboard set TERM, such as TERM=xterm-256color")
    else:
        size = shutil.get_terminal_size()
        found = f"{kind}, {size.columns} columns, {size.lines} lines"
        if size.columns < _COLUMNS or size.lines < _LINES:
            mend = f"make the window larger: from {_ROOMY} columns on all panels stand side by side"
            yield Finding("terminal", "note", f"{found}: little is seen of the dashboard", mend)
        else:
            yield Finding("terminal", "good", found)


def colours(patient: Patient) -> Findings:
    """What of the environment decides about them."""
    named = [name for name in ("NO_COLOR", "FORCE_COLOR") if patient.environment.get(name)]
    has = paint_for(sys.stdout, patient.environment).colour
    why = f" ({' and '.join(named)})" if named else ""
    yield Finding("colours", "good", f"{'on' if has else 'off'} for this output{why}")


def signs(patient: Patient) -> Findings:
    """Whether glyphs can be encoded."""
    encoding = sys.stdout.encoding or "unknown"
    if not paint_for(sys.stdout).ascii:
        yield Finding("signs", "good", encoding)
    else:
        locale = next((patient.environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG")
                       if patient.environment.get(name)), "not set")  # fmt: skip
        found = f"plain ASCII, for the output is {encoding} (locale: {locale})"
        yield Finding("signs", "note", found, "set LANG to a UTF-8 locale, such as C.UTF-8")
