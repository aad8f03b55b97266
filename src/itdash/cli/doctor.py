"""`itdash doctor`: what could be in the way of runs, and the mend."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itdash.cli.common import Reading, ascii_option, profile_option
from itdash.errors import PASSED, TESTS_FAILED

if TYPE_CHECKING:
    from itdash.doctor.finding import Finding
    from itdash.render.paint import Paint

_EXAMPLES = """\b
Examples:
  itdash doctor                          look at everything
  itdash doctor --json                   the same for a program
"""

_SIGNS = {"good": ("passed", "passed"), "note": ("flaky", "warned"), "wrong": ("failed", "failed")}
_SCHEMA = 1


@click.command(
    "doctor", cls=Reading, epilog=_EXAMPLES, short_help="Tell what is in the way of runs, and the mend."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@profile_option
@ascii_option
@click.pass_context
def command(context: click.Context, as_json: bool, profile: str, ascii_only: bool | None) -> None:
    """Look at the terminal, Python, pytest and its plugins, the project and the system; run nothing.

    Ends with 1 where something must be mended.
    """
    from itdash.doctor.examine import examine, patient
    from itdash.events.wire import encode_value
    from itdash.render.paint import paint_for

    sick = patient(Path.cwd(), profile)
    paint = paint_for(sys.stdout, ascii_only=ascii_only or sick.config.ascii)
    found: list[Finding] = []
    for finding in examine(sick):
        found.append(finding)
        if not as_json:
            for line in _lines(finding, paint):
                click.echo(line, color=True)
    wrong = sum(finding.state == "wrong" for finding in found)
    if as_json:
        click.echo(encode_value({"schema": _SCHEMA, "wrong": wrong, "findings": found}).decode())
    context.exit(TESTS_FAILED if wrong else PASSED)


def _lines(finding: Finding, paint: Paint) -> list[str]:
    from itdash.render.text import one_line

    sign, role = _SIGNS[finding.state]
    lines = [f"{paint(role, paint.glyph(sign))} {finding.what:<20} {one_line(finding.found)}"]
    if finding.mend:
        lines.append(f"  {'mend:':>20} {one_line(finding.mend)}")
    return lines
