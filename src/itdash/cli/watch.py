"""`itdash watch`: the same as `itdash launch --watch`."""

from __future__ import annotations

from typing import Any

from itdash.cli import launch
from itdash.cli.hints import Launching

_EXAMPLES = """\b
Examples:
  itdash watch                           run everything, and again whenever a file is saved
  itdash watch --affected tests/unit     only what the saved file concerns
"""


def _watch(**given: Any) -> Any:
    """Run tests, and run them again whenever a file is saved: what it concerns first, then the rest."""
    callback = launch.command.callback
    return callback(**given, watch=True) if callback else None


command = Launching(
    "watch", callback=_watch, params=[param for param in launch.command.params if param.name != "watch"],
    help=_watch.__doc__, short_help="Run the suites again whenever a file is saved.", epilog=_EXAMPLES,
)  # fmt: skip
