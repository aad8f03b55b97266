"""`itdash export`: a recorded run as a document."""

from __future__ import annotations

from pathlib import Path

import click

from itdash.cli import completing
from itdash.cli.common import NamingRuns, profile_option, say

_EXAMPLES = """\b
Examples:
  itdash export -o summary.md            the latest run; also .html .xml .json .report.json .trace.json
  itdash export -2 -o report.html        the run before it
  itdash export 20261120-18 --sections overview,failures
  itdash export -o run.tar.gz            all files of the run in one, to be replayed elsewhere
  itdash export run.tar.gz --template mail.j2 -o mail.txt
"""


@click.command("export", cls=NamingRuns, epilog=_EXAMPLES, short_help="Write a recorded run as a document.")
@click.argument("run", default="latest", metavar="[RUN]", shell_complete=completing.runs)
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
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Fill this Jinja template with the run.",
)
@profile_option
def command(
    run: str, output: Path | None, title: str, sections: str, max_size: int | None, template: Path | None,
    profile: str,
) -> None:  # fmt: skip
    """Write the recorded RUN as a document.

    RUN is `latest`, `-2` for the one before it, the start of a name, the path of its folder, or an archive.
    """
    from itdash.config import load
    from itdash.history.archive import SUFFIX, opened
    from itdash.render import words
    from itdash.views import export as view

    wishes = view.Wishes(title, view.sections_of(sections), max_size or 0, template)
    if template is not None and (title or sections or max_size):
        raise click.UsageError("A template says itself what it shows: no --title, --sections or --max-size.")
    if output is not None:
        view.check(output, wishes)
    loaded = load(Path.cwd(), {}, profile)
    with opened(loaded.root / loaded.config.directory, run) as (folder, damage):
        if damage:
            say(f"itdash: {damage}", err=True)
        if output is not None and template is None and view.suffix_of(output) == SUFFIX:
            say(f"{output}  {words.size(view.pack(folder, output))}, from run {folder.name}")
            return
        data, recording = view.export(folder, output, wishes)
    if recording.unread:
        say(f"itdash: {words.count(recording.unread, 'line')} of the journal could not be read", err=True)
    if output is None:
        click.echo(data, nl=False)
    else:
        say(f"{output}  {words.size(len(data))}, from run {recording.name}")
