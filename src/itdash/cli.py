"""Arguments to one command; errors to exit codes."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itdash import __version__
from itdash.errors import INTERNAL_ERROR, ItdashError, nearest

if TYPE_CHECKING:
    from itdash.config import Loaded
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

_CONFIG_EXAMPLES = """\b
Examples:
  itdash config                          every value, and where it came from
  itdash config --profile ci             the same with a profile
  ITDASH_TIMEOUT=30 itdash config        the same with a variable of the environment
"""

_REQUIREMENTS_EXAMPLES = """\b
Examples:
  itdash requirements                    every requirement, its tests, their last outcomes
  itdash requirements --suite sessions   those of one suite
  itdash requirements --json             the same for a program
"""


_EXPORT_EXAMPLES = """\b
Examples:
  itdash export -o summary.md            the latest run; also .html .xml .json .report.json .trace.json
  itdash export -2 -o report.html        the run before it
  itdash export 20261120-18 --sections overview,failures
"""


class _Commands(click.Group):
    """The commands; a wrong one is told with the nearest right one, also by an old click."""

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
        if name not in self.commands and not ctx.resilient_parsing:
            is_test = os.path.exists(name.partition("::")[0])
            hint = f"did you mean 'launch {name}'?" if is_test else nearest(name, list(self.commands))
            ctx.fail(f"There is no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES
    + "".join(
        more.partition("Examples:\n")[2]
        for more in (_CONFIG_EXAMPLES, _REQUIREMENTS_EXAMPLES, _EXPORT_EXAMPLES)
    ),
)
@click.version_option(__version__, prog_name="itdash", message="%(prog)s %(version)s")
def main() -> None:
    """Run pytest integration suites and see what they measure."""


@main.command(epilog=_EXAMPLES, short_help="Run the suites and show what happens.")
@click.argument("paths", nargs=-1, metavar="[PATH|NODEID]... [-- PYTEST-ARGS...]")
@click.option("--headless", is_flag=True, help="Print lines instead of opening the full screen.")
@click.option("--suite", "suites", multiple=True, metavar="NAME", help="Run this suite; may be repeated.")
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Run this group of a suite; may be repeated."
)
@click.option(
    "-k", "keyword", default="", metavar="EXPR", help="Run tests whose names match, as pytest's -k."
)
@click.option("-m", "mark", default="", metavar="EXPR", help="Run tests whose marks match, as pytest's -m.")
@click.option("-x", "exit_first", is_flag=True, help="Stop after the first failure.")
@click.option("--max-fail", type=int, metavar="N", help="Stop after N failures.")
@click.option("--last-failed", is_flag=True, help="Run the tests whose newest result is a failure.")
@click.option("-n", "workers", metavar="N", help="Run in N processes (needs pytest-xdist), or auto.")
@click.option("--timeout", type=float, metavar="S", help="End a test that takes longer than S seconds.")
@click.option("--retries", type=int, metavar="N", help="Try a failed test again up to N times.")
@click.option("--profile", default="", metavar="NAME", help="Use the values of this profile.")
@click.option("--ascii", "ascii_only", is_flag=True, default=None, help="Use plain ASCII instead of glyphs.")
@click.option("--theme", metavar="NAME", help="Use this theme in the dashboard.")
@click.option(
    "--require-coverage",
    metavar="SHARE",
    help="Fail when less than this share of requirements is verified, such as 90%.",
)
@click.option(
    "--strict-requirements", is_flag=True, default=None, help="Fail unless every requirement is verified."
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
def launch(
    context: click.Context, /, paths: tuple[str, ...], suites: tuple[str, ...], groups: tuple[str, ...],
    keyword: str, mark: str, exit_first: bool, last_failed: bool, profile: str,
    **flags: Any,
) -> None:  # fmt: skip
    """Run tests in a process of their own, show what happens, and end with pytest's exit code.

    With no PATH the declared suites run, or what pytest would collect by itself.
    """
    from itdash.config import load
    from itdash.runner.command import Request
    from itdash.runner.process import start_keeper
    from itdash.session import Terms

    link, extra = context.obj
    flags["ascii"] = flags.pop("ascii_only")
    headless = flags.pop("headless")
    files = _files(flags.pop("reports"))
    loaded = _ready(load(Path.cwd(), flags, profile))
    only = None
    if last_failed:
        from itdash.history.last_failed import last_failed as failed_before

        only = failed_before(loaded.root / loaded.config.directory)
    request = Request(
        paths=paths, suites=suites, groups=groups, keyword=keyword, mark=mark, exit_first=exit_first,
        only=only, extra=extra,
    )  # fmt: skip
    config = loaded.config
    terms = Terms(
        loaded.root, Path.cwd(), tuple(sys.argv), config.require_coverage, config.strict_requirements
    )
    show = _headless if headless or not _on_screen() else _dashboard
    context.exit(show(link or start_keeper(), loaded, request, terms, files))


def _ready(loaded: Loaded) -> Loaded:
    """What the configuration alone cannot know to be wrong is told, what pytest must know is handed on."""
    from msgspec.structs import replace

    config = loaded.config
    if any(suite.budgets for suite in config.suites):
        from itdash.state.gate import check_budgets

        check_budgets({suite.name: suite.budgets for suite in config.suites}, loaded.origins["suites"])
    if config.leaks == "warn":
        return loaded
    told = (*config.pytest_args, "-o", f"itdash_leaks={config.leaks}")
    return replace(loaded, config=replace(config, pytest_args=told))


def _on_screen() -> bool:
    """Whether there is a terminal that a full screen can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", None)


def _dashboard(link: Link, loaded: Any, request: Any, terms: Any, files: list[View]) -> int:
    from itdash.views.tui.start import open_dashboard

    return open_dashboard(link, loaded, request, terms, files, _documents)


def _documents(folder: Path) -> list[Path]:
    """The documents of a recorded run, written beside its journal."""
    from itdash.views.export import Wishes, export

    targets = [folder / "summary.md", folder / "report.html"]
    for target in targets:
        export(folder, target, Wishes())
    return targets


def _files(reports: tuple[Path, ...]) -> list[View]:
    """What is written of every run; a report that cannot be written is refused here."""
    from itdash.views.json_report import ReportFile
    from itdash.views.summary import SummaryFile

    files: list[View] = [ReportFile(), SummaryFile()]
    if reports:
        from itdash.views.export import Reports

        files.append(Reports(reports))
    return files


def _annotations() -> list[View]:
    """What GitHub shows beside the code, where it runs the tests."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    from itdash.views.github import Annotations

    return [Annotations(sys.stdout, os.environ.get("GITHUB_WORKSPACE") or os.getcwd())]


def _headless(link: Link, loaded: Any, request: Any, terms: Any, files: list[View]) -> int:
    from itdash.render.paint import paint_for
    from itdash.session import Session, run_to_end
    from itdash.views.ci import CiView

    config = loaded.config
    paint = paint_for(sys.stdout, ascii_only=config.ascii)
    screen = CiView(
        sys.stdout, paint, config.slowest, config.failures_shown, sys.stdout.isatty() and paint.colour
    )
    session = Session(terms, link, [*files, *_annotations(), screen])
    return run_to_end(session, request, config)


@main.command(epilog=_CONFIG_EXAMPLES, short_help="Show every value and where it came from.")
@click.option("--profile", default="", metavar="NAME", help="Use the values of this profile.")
@click.pass_obj
def config(given: tuple[Link | None, tuple[str, ...]], profile: str) -> None:
    """Show every effective value, what it means, and where it came from."""
    from itdash.config import keys, load

    if given[1]:
        raise click.UsageError("What follows -- goes to pytest, and `config` does not run it.")
    loaded = load(Path.cwd(), {}, profile)
    _say(f"project: {loaded.root}")
    _say(f"file:    {loaded.file or 'none'}")
    for name in loaded.unused:
        _say(f"unused:  the variable {name}")
    for key in keys().values():
        _say("")
        _say(f"{key.name} = {_shown(getattr(loaded.config, key.name))}")
        _say(f"  {key.help}")
        _say(f"  from: {loaded.origins[key.name]}")


@main.command(epilog=_REQUIREMENTS_EXAMPLES, short_help="Show which requirements the tests verify.")
@click.option("--suite", "suites", multiple=True, metavar="NAME", help="Show this suite; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--profile", default="", metavar="NAME", help="Use the values of this profile.")
@click.option("--ascii", "ascii_only", is_flag=True, default=None, help="Use plain ASCII instead of glyphs.")
@click.pass_obj
def requirements(
    given: tuple[Link | None, tuple[str, ...]], suites: tuple[str, ...], as_json: bool, profile: str,
    ascii_only: bool | None,
) -> None:  # fmt: skip
    """Show every requirement, the tests that name it, and how each did when it last ran; runs nothing."""
    from itdash.config import load
    from itdash.events.wire import encode_value
    from itdash.render.paint import paint_for
    from itdash.views import requirements as view

    if given[1]:
        raise click.UsageError("What follows -- goes to pytest, and `requirements` does not run it.")
    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    made = view.made(loaded.config, loaded.root, suites)
    if as_json:
        click.echo(encode_value(view.document(made)).decode())
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in view.text(made, paint_for(sys.stdout, ascii_only=loaded.config.ascii), width):
        click.echo(line, color=True)


class _WithPast(click.Command):
    """A command whose argument may be `-2`, which is a run and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such an argument behind the options."""
        back = [arg for arg in args if arg[:1] == "-" and arg[1:].isdecimal()]
        rest = [arg for arg in args if arg not in back]
        return super().parse_args(ctx, [*rest, "--", *back] if back else args)


@main.command(cls=_WithPast, epilog=_EXPORT_EXAMPLES, short_help="Write a recorded run as a document.")
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
@click.option("--profile", default="", metavar="NAME", help="Use the values of this profile.")
@click.pass_obj
def export(
    given: tuple[Link | None, tuple[str, ...]], run: str, output: Path | None, title: str, sections: str,
    max_size: int | None, profile: str,
) -> None:  # fmt: skip
    """Write the recorded RUN as a document.

    RUN is `latest`, `-2` for the one before it, the start of a name, or the path of its folder.
    """
    from itdash.config import load
    from itdash.history.find import find
    from itdash.render import words
    from itdash.views import export as view

    if given[1]:
        raise click.UsageError("What follows -- goes to pytest, and `export` does not run it.")
    wishes = view.Wishes(title, view.sections_of(sections), max_size or 0)
    if output is not None:
        view.check(output, wishes)
    loaded = load(Path.cwd(), {}, profile)
    data, recording = view.export(find(loaded.root / loaded.config.directory, run), output, wishes)
    if recording.unread:
        _say(f"itdash: {words.count(recording.unread, 'line')} of the journal could not be read", err=True)
    if output is None:
        click.echo(data, nl=False)
    else:
        _say(f"{output}  {words.size(len(data))}, from run {recording.name}")


def _shown(value: Any) -> str:
    """A value as it would stand in the file, where it is no table; each table on a line."""
    from itdash.events.wire import encode_value

    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return "[\n" + "".join(f"  {_shown(table)},\n" for table in value) + "]"
    return encode_value(value).decode()


def _say(text: str, err: bool = False) -> None:
    from itdash.render.text import inert

    click.echo(inert(text), err=err)


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
        return int(main.main(args=argv, prog_name="itdash", standalone_mode=False, obj=(link, extra)) or 0)
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return ItdashError.exit_code
    except ItdashError as error:
        for line in error.lines():
            _say(line, err=True)
        return error.exit_code
    except OSError as error:
        _say(f"itdash: {error.strerror or error}", err=True)
        _say(f"  where: {error.filename or _here()}", err=True)
        return INTERNAL_ERROR
    except Exception:
        import traceback

        _say(f"itdash: this is a mistake of itdash itself\n{traceback.format_exc()}", err=True)
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
