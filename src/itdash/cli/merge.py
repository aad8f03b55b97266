"""`itdash merge`: the runs of several machines made one."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itdash.cli import completing
from itdash.cli.common import NamingRuns, ascii_option, profile_option, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itdash.config import Config
    from itdash.history.merge import Source

_EXAMPLES = """\b
Examples:
  itdash merge shard-*.tar.gz            one run of the shards of a CI job, kept beside the others
  itdash merge a.zip b.zip --report summary.md --report junit.xml
"""


@click.command(
    "merge", cls=NamingRuns, epilog=_EXAMPLES, short_help="Make one run of those of several machines."
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=completing.runs)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write this file of the merged run, in the format of its suffix; may be repeated.",
)
@profile_option
@ascii_option
@click.pass_context
def command(
    context: click.Context,
    runs: tuple[str, ...],
    reports: tuple[Path, ...],
    profile: str,
    ascii_only: bool | None,
) -> None:
    """Make one run of several, show how it ended, and end with its exit code.

    RUN is as in `itdash export`: a name, a folder, or an archive. Counts, operations, percentiles and
    requirements are those of all tests together. A shard that is missing fails the run (99).
    """
    from itdash.config import load
    from itdash.runner import rundir
    from itdash.views.export import Wishes, check

    for path in reports:
        check(path, Wishes())
    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    base = loaded.root / loaded.config.directory
    with ExitStack() as stack:
        sources = _sources(stack, base, runs)
        folder, warning = rundir.create(base)
        if warning:
            say(f"itdash: {warning}", err=True)
        _merge(sources, folder)
    (folder / rundir.PID).unlink(missing_ok=True)
    context.exit(_tell(folder, loaded.config, reports))


def _sources(stack: ExitStack, base: Path, runs: Sequence[str]) -> list[Source]:
    from itdash.history import recorded
    from itdash.history.archive import opened
    from itdash.history.merge import Source

    sources: list[Source] = []
    for number, run in enumerate(runs, 1):
        if sys.stderr.isatty():
            say(f"reading {number} of {len(runs)}: {run}", err=True)
        folder, damage = stack.enter_context(opened(base, run))
        if damage:
            say(f"itdash: {run}: {damage}", err=True)
        sources.append(Source(folder, recorded.read(folder)))
    return sources


def _merge(sources: Sequence[Source], folder: Path) -> None:
    import shutil

    from itdash import __version__
    from itdash.errors import RunDirectoryError
    from itdash.history.merge import merge

    try:
        merge(sources, folder, sys.argv, __version__)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RunDirectoryError(
            f"the merged run cannot be written: {error.strerror}", where=str(folder), mend="make room there"
        ) from None
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _tell(folder: Path, config: Config, reports: Sequence[Path]) -> int:
    """Write the files that every run has, and those that were asked for; say how it ended."""
    from itdash.errors import INTERNAL_ERROR
    from itdash.history import recorded
    from itdash.render.paint import paint_for
    from itdash.runner.execution import Reading
    from itdash.views.ci import CiView
    from itdash.views.export import Reports
    from itdash.views.json_report import ReportFile
    from itdash.views.summary import SummaryFile

    found = recorded.read(folder)
    reading = Reading(found.bytes, found.unread)
    paint = paint_for(sys.stdout, ascii_only=config.ascii)
    for view in (ReportFile(), SummaryFile(), Reports(reports)):
        view.end(found.state, folder, reading)
    shown = CiView(sys.stdout, paint, config.slowest, config.failures_shown, live=False)
    shown.begin(found.state, folder)
    shown.show(found.state, found.events, 0)
    shown.end(found.state, folder, reading)
    return found.state.finished.exit_code if found.state.finished else INTERNAL_ERROR
