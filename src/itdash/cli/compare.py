"""`itdash compare`: what differs between two runs, and which of it is real."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from itdash.cli import completing
from itdash.cli.common import Reading, ascii_option, profile_option
from itdash.errors import GATE

_MARK = "\0"  # no argument of a process can hold it

_EXAMPLES = """\b
Examples:
  itdash compare                         the newest run with the baseline, or with the run before
  itdash compare main --format markdown -o changes.md
  itdash compare ci/summary.json latest --fail-on regression
"""


class _NamingTwo(Reading):
    """A command with two arguments that may be `-2`, which is a run and no option; their order stays."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let such an argument not look like an option."""
        return super().parse_args(
            ctx, [_MARK + arg if arg[:1] == "-" and arg[1:].isdecimal() else arg for arg in args]
        )


def _unmarked(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    return value.removeprefix(_MARK)


@click.command("compare", cls=_NamingTwo, epilog=_EXAMPLES, short_help="Tell what changed between two runs.")
@click.argument("base", default="", metavar="[BASE]", shell_complete=completing.runs, callback=_unmarked)
@click.argument("run", default="latest", metavar="[RUN]", shell_complete=completing.runs, callback=_unmarked)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True,
    help="How it is told.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write this file, do not print."
)
@click.option(
    "--fail-on",
    type=click.Choice(["regression"]),
    help=f"End with {GATE} where something is worse than it was.",
)
@profile_option
@ascii_option
@click.pass_context
def command(
    context: click.Context, base: str, run: str, form: str, output: Path | None, fail_on: str | None,
    profile: str, ascii_only: bool | None,
) -> None:  # fmt: skip
    """Hold RUN against BASE: tests, latencies, durations, peaks, budgets and requirements.

    RUN is `latest`, `-2`, the start of a name, the folder of a run, or a summary.json. BASE may also be
    `previous`, `green` (the last run that passed), `baseline` (see `itdash runs baseline`), or a branch.
    """
    from itdash.cli.listening import Told
    from itdash.config import load
    from itdash.events.wire import encode_value
    from itdash.history.against import against
    from itdash.render.paint import Paint, paint_for
    from itdash.views import compare as view

    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    found = against(loaded.root / loaded.config.directory, base, run, Told())
    if form == "json":
        made = encode_value(view.document(found)).decode() + "\n"
    elif form == "markdown":
        made = view.markdown(found)
    else:
        width = shutil.get_terminal_size().columns if output is None and sys.stdout.isatty() else 0
        ascii_too = loaded.config.ascii
        paint = Paint(False, ascii_too) if output else paint_for(sys.stdout, ascii_only=ascii_too)
        made = "\n".join(view.text(found, paint, width)) + "\n"
    if output is None:
        click.echo(made, nl=False, color=True)
    else:
        from itdash.views.export import write

        write(output, made.encode("utf-8", "backslashreplace"))
    if fail_on and found.regressions:
        context.exit(GATE)
