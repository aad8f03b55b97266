"""`itdash config`: every value, what it means, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from itdash.cli.common import Reading, profile_option, say

_EXAMPLES = """\b
Examples:
  itdash config                          every value, and where it came from
  itdash config --profile ci             the same with a profile
  ITDASH_TIMEOUT=30 itdash config        the same with a variable of the environment
"""


@click.command("config", cls=Reading, epilog=_EXAMPLES, short_help="Show every value and where it came from.")
@profile_option
def command(profile: str) -> None:
    """Show every effective value, what it means, and where it came from."""
    from itdash.config import keys, load
    from itdash.runner.warmth import warmth

    loaded = load(Path.cwd(), {}, profile)
    say(f"project: {loaded.root}")
    say(f"file:    {loaded.file or 'none'}")
    for name in loaded.unused:
        say(f"unused:  the variable {name}")
    is_warm, why = warmth(loaded.config)
    say(f"warm:    {'yes' if is_warm else 'no'}, {why}")
    for key in keys().values():
        say("")
        say(f"{key.name} = {_shown(getattr(loaded.config, key.name))}")
        say(f"  {key.help}")
        say(f"  from: {loaded.origins[key.name]}")


def _shown(value: Any) -> str:
    """A value as it would stand in the file, where it is no table; each table on a line."""
    from itdash.events.wire import encode_value

    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return "[\n" + "".join(f"  {_shown(table)},\n" for table in value) + "]"
    return encode_value(value).decode()
