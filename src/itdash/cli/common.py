"""What commands have in common: what they were given, how they speak, how they name a run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from itdash.cli import completing

if TYPE_CHECKING:
    from itdash.runner.process import Link


class Given(NamedTuple):
    """What stands beside the arguments: the keeper that was started already, and what goes to pytest."""

    link: Link | None
    extra: tuple[str, ...]


class Reading(click.Command):
    """A command that runs no test, and therefore has nobody to hand pytest's arguments to."""

    def invoke(self, ctx: click.Context) -> Any:
        """Refuse what follows `--`."""
        if ctx.obj.extra:
            ctx.fail(f"What follows -- goes to pytest, and `{self.name}` does not run it.")
        return super().invoke(ctx)


class NamingRuns(Reading):
    """A command whose argument may be `-2`, which is a run and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such an argument behind the options."""
        back = [arg for arg in args if arg[:1] == "-" and arg[1:].isdecimal()]
        rest = [arg for arg in args if arg not in back]
        return super().parse_args(ctx, [*rest, "--", *back] if back else args)


profile_option = click.option(
    "--profile",
    default="",
    metavar="NAME",
    shell_complete=completing.profiles,
    help="Use the values of this profile.",
)
ascii_option = click.option(
    "--ascii", "ascii_only", is_flag=True, default=None, help="Use plain ASCII instead of glyphs."
)


def on_screen() -> bool:
    """Whether there is a terminal that a full screen can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", None)


def say(text: str, err: bool = False) -> None:
    """Print a line that may hold a name from outside."""
    from itdash.render.text import inert

    click.echo(inert(text), err=err)
