"""`itdash export`: a recorded run as a document."""

from __future__ import annotations

from pathlib import Path

import click

from itdash.cli.common import NamingRuns, profile_option, say

_EXAMPLES = """\b
Examples:
  itdash export -o summary.md            the latest run; also .html .xml .json .report.json .trace.json
  itdash export -2 -o report.html        the run before it
  itdash export 20261120-18 --sections overview,failures
"""


@click.command("export", cls=NamingRuns, epilog=_EXAMPLES, short_help="Write a recorded run as a document.")
@click.argument("run", default="latest", metavar="[RUN]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write this file, in the format of its suffix; without it Markdown is printed.",
)
@click.option("--title", default="", metavar="TEXT", help="The title of the document (.md, .html).")
@click.option(
    "--sections", default="", metavar="NAMES", help="Only these, such as overview,failures (.md, .html)."
)
@click.option(
    "--max-size",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="Leave out detail to keep within (.md).",
)
@profile_option
def command(
    run: str, output: Path | None, title: str, sections: str, max_size: int | None, profile: str
) -> None:
    """Write the recorded RUN as a document.

    RUN is `latest`, `-2` for the one before it, the start of a name, or the path of its folder.
    """
    from itdash.config import load
    from itdash.history.find import find
    from itdash.render import words
    from itdash.views import export as view

    wishes = view.Wishes(title, view.sections_of(sections), max_size or 0)
    if output is not None:
        view.check(output, wishes)
    loaded = load(Path.cwd(), {}, profile)
    data, recording = view.export(find(loaded.root / loaded.config.directory, run), output, wishes)
    if recording.unread:
        say(f"itdash: {words.count(recording.unread, 'line')} of the journal could not be read", err=True)
    if output is None:
        click.echo(data, nl=False)
    else:
        say(f"{output}  {words.size(len(data))}, from run {recording.name}")
