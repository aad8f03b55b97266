"""`itdash launch`: run the suites and show what happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itdash.cli import completing
from itdash.cli.common import ascii_option, on_screen, profile_option
from itdash.cli.hints import Launching, check_paths

if TYPE_CHECKING:
    from itdash.config import Config, Loaded
    from itdash.runner.process import Link
    from itdash.session import View

_EXAMPLES = """\b
Examples:
  itdash launch                          run everything, show it as it happens
  itdash launch tests/test_api.py -k login
  itdash launch --suite sessions --group smoke -x
  itdash launch -n 4 --timeout 30 --retries 1
  itdash launch -- --log-level=DEBUG     what follows -- goes to pytest
"""


@click.command("launch", cls=Launching, epilog=_EXAMPLES, short_help="Run the suites and show what happens.")
@click.argument(
    "paths", nargs=-1, metavar="[PATH|NODEID]... [-- PYTEST-ARGS...]", shell_complete=completing.tests
)
@click.option("--headless", is_flag=True, help="Print lines instead of opening the full screen.")
@click.option("--watch", is_flag=True, help="Run again whenever a file is saved, what it concerns first.")
@click.option(
    "--affected", is_flag=True, help="Run only what changed files concern, and say what is left out."
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.suites,
    help="Run this suite; may be repeated.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.groups,
    help="Run this group of a suite; may be repeated.",
)
@click.option(
    "-k", "keyword", default="", metavar="EXPR", help="Run tests whose names match, as pytest's -k."
)
@click.option("-m", "mark", default="", metavar="EXPR", help="Run tests whose marks match, as pytest's -m.")
@click.option("-x", "exit_first", is_flag=True, help="Stop after the first failure.")
@click.option("--max-fail", type=int, metavar="N", help="Stop after N failures.")
@click.option("--last-failed", is_flag=True, help="Run the tests whose newest result is a failure.")
@click.option(
    "--rerun",
    default="",
    metavar="RUN",
    shell_complete=completing.runs,
    help="Run the tests that failed in this recorded run.",
)
@click.option("--shard", default="", metavar="I/N", help="Run this part of the tests, such as 2/5.")
@click.option(
    "--times",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Balance shards by these recorded times (.times.json).",
)
@click.option("-n", "workers", metavar="N", help="Run in N processes (needs pytest-xdist), or auto.")
@click.option("--timeout", type=float, metavar="S", help="End a test that takes longer than S seconds.")
@click.option("--retries", type=int, metavar="N", help="Try a failed test again up to N times.")
@profile_option
@ascii_option
@click.option(
    "--theme", metavar="NAME", shell_complete=completing.themes, help="Use this theme in the dashboard."
)
@click.option(
    "--require-coverage",
    metavar="SHARE",
    help="Fail when less than this share of requirements is verified, such as 90%.",
)
@click.option(
    "--strict-requirements", is_flag=True, default=None, help="Fail unless every requirement is verified."
)
@click.option(
    "--no-warm", "warm", flag_value=False, default=None, help="Have every later run import everything anew."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write this file when the run is over, in the format of its suffix; may be repeated.",
)
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[str, ...], suites: tuple[str, ...], groups: tuple[str, ...],
    keyword: str, mark: str, exit_first: bool, last_failed: bool, rerun: str, profile: str,
    **flags: Any,
) -> None:  # fmt: skip
    """Run tests in a process of their own, show what happens, and end with pytest's exit code.

    With no PATH the declared suites run, or what pytest would collect by itself.
    """
    from itdash.config import load
    from itdash.runner.command import Request
    from itdash.runner.process import start_keeper
    from itdash.runner.shards import shard
    from itdash.session import Terms

    link, extra = context.obj
    flags["ascii"] = flags.pop("ascii_only")
    headless = flags.pop("headless")
    watches, affected = flags.pop("watch"), flags.pop("affected")
    reports = flags.pop("reports")
    files = _files(reports)
    part = shard(flags.pop("shard"), flags.pop("times"))
    loaded = _ready(load(Path.cwd(), flags, profile))
    check_paths(paths, str(loaded.root), (*extra, *loaded.config.pytest_args))
    only = _only(loaded.root / loaded.config.directory, last_failed, rerun)
    request = Request(
        paths=paths, suites=suites, groups=groups, keyword=keyword, mark=mark, exit_first=exit_first,
        only=only, extra=extra, shard=part,
    )  # fmt: skip
    config = loaded.config
    terms = Terms(
        loaded.root, Path.cwd(), tuple(sys.argv), config.require_coverage, config.strict_requirements
    )
    if watches or affected:
        from itdash.cli import watching

        keeper = link or start_keeper()
        if watches and not headless and on_screen():
            context.exit(_dashboard(keeper, loaded, request, terms, files, watches=True, affected=affected))
        if watches:
            context.exit(watching.watch(keeper, loaded, request, terms, files, affected, reports))
        views = [*files, *_annotations(), _lines(config)]
        context.exit(watching.run_affected(keeper, loaded, request, terms, views, reports))
    show = _headless if headless or not on_screen() else _dashboard
    context.exit(show(link or start_keeper(), loaded, request, terms, files))


def _only(base: Path, last_failed: bool, rerun: str) -> frozenset[str] | None:
    """The tests that an earlier result asks for; none where all are meant."""
    if last_failed and rerun:
        raise click.UsageError("--last-failed and --rerun name different tests; one of them is enough.")
    if rerun:
        from itdash.history.rerun import failed_in

        return failed_in(base, rerun)
    if last_failed:
        from itdash.history.last_failed import last_failed as failed_before

        return failed_before(base)
    return None


def _ready(loaded: Loaded) -> Loaded:
    """What the configuration alone cannot know to be wrong is told, what pytest must know is handed on."""
    from msgspec.structs import replace

    from itdash.config import keys

    config = loaded.config
    if loaded.origins["theme"] == f"the flag {keys()['theme'].flag}":
        from itdash.views.tui.themes import at_start

        at_start(loaded)
    if any(suite.budgets for suite in config.suites):
        from itdash.state.gate import check_budgets

        check_budgets({suite.name: suite.budgets for suite in config.suites}, loaded.origins["suites"])
    if loaded.origins["leaks"] == "default":  # then pytest's own file may say something
        return loaded
    told = ("-o", f"itdash_leaks={config.leaks}", *config.pytest_args)  # first: the user's own -o wins
    return replace(loaded, config=replace(config, pytest_args=told))


def _dashboard(link: Link, loaded: Any, request: Any, terms: Any, files: list[View], **watch: bool) -> int:
    from itdash.views.export import documents
    from itdash.views.tui.start import open_dashboard

    return open_dashboard(link, loaded, request, terms, files, documents, **watch)


def _files(reports: tuple[Path, ...]) -> list[View]:
    """What is written of every run; a report that cannot be written is refused here."""
    from itdash.views.history import Recorder
    from itdash.views.json_report import ReportFile
    from itdash.views.summary import SummaryFile

    files: list[View] = [ReportFile(), SummaryFile(), Recorder()]
    if reports:
        from itdash.views.export import Reports

        files.append(Reports(reports))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from itdash.views.export import StepSummary

        files.append(StepSummary(Path(os.environ["GITHUB_STEP_SUMMARY"])))
    return files


def _annotations() -> list[View]:
    """What GitHub shows beside the code, where it runs the tests."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    from itdash.views.github import Annotations

    return [Annotations(sys.stdout, os.environ.get("GITHUB_WORKSPACE") or os.getcwd())]


def _headless(link: Link, loaded: Any, request: Any, terms: Any, files: list[View]) -> int:
    from itdash.session import Session, run_to_end
    from itdash.views.unfit import Unfit

    session = Session(terms, link, [*files, *_annotations(), _lines(loaded.config), Unfit()])
    return run_to_end(session, request, loaded.config)


def _lines(config: Config) -> View:
    """What prints a run."""
    from itdash.render.paint import paint_for
    from itdash.views.ci import CiView

    paint = paint_for(sys.stdout, ascii_only=config.ascii)
    live = sys.stdout.isatty() and paint.colour
    return CiView(sys.stdout, paint, config.slowest, config.failures_shown, live)
