"""Arguments to one command; errors to exit codes."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from itdash import __version__
from itdash.cli.common import Given, say
from itdash.cli.completing import VARIABLE
from itdash.errors import INTERNAL_ERROR, ItdashError

if TYPE_CHECKING:
    from itdash.runner.process import Link

_COMMANDS = (
    "launch", "watch", "replay", "export", "compare", "runs", "merge", "requirements", "config", "init",
    "doctor", "completion",
)  # fmt: skip
"""Each is the function `command` of the module of its name, imported when it is asked for."""


class _Commands(click.Group):
    """The commands; a wrong one is told with the nearest right one, also by an old click."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those of the table, in its order, which is that of their use."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        made: click.Command = import_module(f"itdash.cli.{cmd_name}").command
        return made

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """With nothing to do, show the help, and do not pass for a run that went well."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(ItdashError.exit_code)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was meant."""
        name = args[0]
        if name not in _COMMANDS and not ctx.resilient_parsing:
            from itdash.cli.hints import command_meant

            ctx.fail(f"There is no command {name!r}; {command_meant(name, list(_COMMANDS))}")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples of all commands."""
        told = [(self.get_command(ctx, name) or self).epilog or "" for name in _COMMANDS]
        self.epilog = "\b\nExamples:\n" + "".join(text.partition("Examples:\n")[2] for text in told)
        super().format_epilog(ctx, formatter)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="itdash", message="%(prog)s %(version)s")
def main() -> None:
    """Run pytest integration suites and see what they measure."""


def run(argv: list[str], link: Link | None) -> int:
    """Carry one command out; what a user can mend is told in words, never as a traceback."""
    gc.disable()  # nothing of a command lives in cycles long enough to be worth looking for
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a name that the terminal cannot show is no reason to end
    argv, extra = _split(argv)
    try:
        given = Given(link, extra)
        return int(main.main(args=argv, prog_name="itdash", standalone_mode=False, obj=given) or 0)
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return ItdashError.exit_code
    except ItdashError as error:
        for line in error.lines():
            say(line, err=True)
        return error.exit_code
    except OSError as error:
        say(f"itdash: {error.strerror or error}", err=True)
        say(f"  where: {error.filename or _here()}", err=True)
        return INTERNAL_ERROR
    except Exception:
        if VARIABLE in os.environ:  # what is printed now would stand among the words of the user's shell
            return INTERNAL_ERROR
        import traceback

        say(f"itdash: this is a mistake of itdash itself\n{traceback.format_exc()}", err=True)
        return INTERNAL_ERROR


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "the current folder, which is gone"


def _split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """What stands after the first `--` belongs to pytest."""
    if "--" in argv:
        place = argv.index("--")
        return argv[:place], tuple(argv[place + 1 :])
    return argv, ()
