"""`itdash requirements`: what the suites must do, and which tests say that they do."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from itdash.cli import completing
from itdash.cli.common import Reading, ascii_option, profile_option

_EXAMPLES = """\b
Examples:
  itdash requirements                    every requirement, its tests, their last outcomes
  itdash requirements --suite sessions   those of one suite
  itdash requirements --json             the same for a program
"""


@click.command(
    "requirements", cls=Reading, epilog=_EXAMPLES, short_help="Show which requirements the tests verify."
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.suites,
    help="Show this suite; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@profile_option
@ascii_option
def command(suites: tuple[str, ...], as_json: bool, profile: str, ascii_only: bool | None) -> None:
    """Show every requirement, the tests that name it, and how each did when it last ran; runs nothing."""
    from itdash.config import load
    from itdash.events.wire import encode_value
    from itdash.render.paint import paint_for
    from itdash.views import requirements as view

    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    made = view.made(loaded.config, loaded.root, suites)
    if as_json:
        click.echo(encode_value(view.document(made)).decode())
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in view.text(made, paint_for(sys.stdout, ascii_only=loaded.config.ascii), width):
        click.echo(line, color=True)
