"""`itdash runs`: the runs that are known, what they say of the tests, and which of them are kept."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from itdash.cli import completing
from itdash.cli.common import NamingRuns, Reading, ascii_option, profile_option, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.render.paint import Paint
    from itdash.views.runs import Tests

_EXAMPLES = """\b
Examples:
  itdash runs                            the newest runs: verdict, counts, commit
  itdash runs --test tests/test_a.py::test_b
  itdash runs flaky                      also: failing, slower
  itdash runs prune --older 30d --dry-run
"""

_SHOWN: Final = 20
_SIZES: Final[dict[str, float]] = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_DAYS: Final = {"h": 1 / 24, "d": 1.0, "w": 7.0}


class _Group(Reading, click.Group):
    """A command that has commands of its own, and does something without them."""


def _scaled(units: dict[str, float], example: str) -> Callable[..., float | None]:
    """Reads a number with a unit, as so many of the unit that is worth 1."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-zA-Z]*)", value.strip())
        if match is None or match[2].lower() not in units:
            raise click.BadParameter(f"{value!r} is none; write it as {example}", ctx, param)
        return float(match[1]) * units[match[2].lower()]

    return read


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    "runs", cls=_Group, invoke_without_command=True, epilog=_EXAMPLES,
    short_help="List runs, and judge tests.",
)  # fmt: skip
@click.option("-n", "number", type=click.IntRange(min=1), default=_SHOWN, show_default=True, metavar="N",
              help="Show the N newest.")  # fmt: skip
@click.option("--branch", default="", metavar="NAME", help="Show runs of this branch.")
@click.option("--test", "test", default="", metavar="NODEID", help="Show what became of this test.")
@json_option
@profile_option
@ascii_option
@click.pass_context
def command(
    context: click.Context, number: int, branch: str, test: str, as_json: bool, profile: str,
    ascii_only: bool | None,
) -> None:  # fmt: skip
    """List the runs that are known, newest first, also those whose folder is gone."""
    if context.invoked_subcommand is not None:
        return
    base, paint = _place(profile, ascii_only)
    if test:
        _one_test(base, test, number if _given(context, "number") else 50, as_json, paint)
    else:
        _list(base, number, branch, as_json, paint)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _place(profile: str, ascii_only: bool | None) -> tuple[Path, Paint]:
    from itdash.config import load
    from itdash.render.paint import paint_for

    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    return loaded.root / loaded.config.directory, paint_for(sys.stdout, ascii_only=loaded.config.ascii)


def _list(base: Path, number: int, branch: str, as_json: bool, paint: Paint) -> None:
    from itdash.cli.listening import Told
    from itdash.events.staying import baseline
    from itdash.history.database import ask
    from itdash.history.places import every
    from itdash.render import words
    from itdash.views import runs as view

    heads, total = ask(base, lambda store: (store.heads(number, branch=branch), store.count()), Told())
    marked, kept = baseline(base), {folder.name for folder in every(base)}
    if as_json:
        found = [view.plain(head, head.name in kept, head.name == marked) for head in heads]
        _print({"schema": view.SCHEMA, "total": total, "runs": found})
        return
    for row in view.rows(heads, kept, marked, paint):
        click.echo(row, color=True)
    if not total:
        say("no run is recorded: `itdash launch` makes one")
    elif not heads:
        say(f"no run of branch {branch!r}")
    elif total > len(heads) and not branch:
        say(f"{words.count(total - len(heads), 'more run')}: itdash runs -n {total}")


def _one_test(base: Path, test: str, number: int, as_json: bool, paint: Paint) -> None:
    from itdash.cli.listening import Told
    from itdash.errors import ItdashError
    from itdash.history.database import ask
    from itdash.views import runs as view

    past = ask(base, lambda store: view.past(store, test, number), Told())
    if not past.runs:
        like = f"these are known: {', '.join(past.like)}" if past.like else "`itdash runs` lists the runs"
        raise ItdashError(f"no run knows the test {test!r}", mend=like)
    if as_json:
        _print(view.past_plain(past))
        return
    for row in view.past_rows(past, paint):
        click.echo(row, color=True)


def _print(value: Any) -> None:
    from itdash.events.wire import encode_value

    click.echo(encode_value(value).decode())


def _judging(name: str, about: str, rows: Callable[[Any], Any]) -> None:
    """Add a command that tells one thing of all tests."""

    @command.command(name, cls=Reading, short_help=about, help=f"{about} The evidence is told with each.")
    @json_option
    @profile_option
    @ascii_option
    def judging(as_json: bool, profile: str, ascii_only: bool | None) -> None:
        from itdash.cli.listening import Told
        from itdash.history.database import ask
        from itdash.views import runs as view

        base, paint = _place(profile, ascii_only)
        tests: Tests = ask(base, lambda store: view.judged(store, name), Told())
        if as_json:
            plain = view.judged_plain(tests)
            _print({key: plain[key] for key in ("schema", "runs", name)})
            return
        for row in rows(view)(tests, paint):
            click.echo(row, color=True)


_judging("flaky", "Show tests whose outcome changes by chance.", lambda view: view.flaky_rows)
_judging("failing", "Show since when each failing test fails.", lambda view: view.failing_rows)
_judging("slower", "Show tests that became slower over the last runs.", lambda view: view.slower_rows)


@command.command("path", cls=NamingRuns, short_help="Print the folder of a run.")
@click.argument("run", default="latest", metavar="[RUN]", shell_complete=completing.runs)
@profile_option
def path(run: str, profile: str) -> None:
    """Print the folder of RUN: `latest`, `-2`, or the start of a name."""
    from itdash.history.find import find

    click.echo(str(find(_place(profile, None)[0], run)))


@command.command("baseline", cls=NamingRuns, short_help="Show or choose what runs are held against.")
@click.argument("run", default="", metavar="[RUN]", shell_complete=completing.runs)
@click.option("--clear", is_flag=True, help="Have no baseline any more.")
@profile_option
def baseline(run: str, clear: bool, profile: str) -> None:
    """Make RUN the baseline of `itdash compare`, which is never pruned; without RUN tell which one it is."""
    from itdash.events.staying import baseline as marked
    from itdash.events.staying import make_baseline
    from itdash.history.find import find

    base, _ = _place(profile, None)
    if run and clear:
        raise click.UsageError("--clear takes no RUN.")
    if clear:
        make_baseline(base, "")
    elif run:
        folder = find(base, run)
        if folder.parent.name != "runs" or folder.parent.parent.resolve() != base.resolve():
            raise click.UsageError(f"{run!r} is no run of this project; give its path to `itdash compare`.")
        make_baseline(base, folder.name)
        say(f"the baseline is {folder.name}")
    else:
        say(marked(base) or "no run was made the baseline")


@command.command("prune", cls=Reading, short_help="Delete the folders of old runs.")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the N newest.")
@click.option("--older", callback=_scaled(_DAYS, "30d, 12h or 2w"), metavar="AGE",
              help="Delete those that are older, such as 30d.")  # fmt: skip
@click.option("--max-size", callback=_scaled(_SIZES, "1GB or 500MB"), metavar="SIZE",
              help="Delete the oldest until all take no more, such as 1GB.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only tell what would be deleted.")
@profile_option
def prune(keep: int | None, older: float | None, max_size: float | None, dry_run: bool, profile: str) -> None:
    """Delete folders of runs beyond the limits that are given, or else those of the configuration.

    The history still knows these runs. The baseline and runs that go on are never deleted.
    """
    from itdash.cli.listening import Told
    from itdash.config import load
    from itdash.history.database import ask
    from itdash.history.places import bases
    from itdash.render import words
    from itdash.runner.rundir import Limits, doomed, remove

    loaded = load(Path.cwd(), {}, profile)
    config, base = loaded.config, loaded.root / loaded.config.directory
    if keep is None and older is None and max_size is None:
        limits = Limits(config.keep_runs, config.keep_bytes, config.keep_days or None)
    else:
        limits = Limits(keep, None if max_size is None else int(max_size), older)
    found = doomed(bases(base), limits)
    for one in found:
        say(f"{one.folder.name}  {words.size(one.size):>8}  {one.why}")
    total = f"{words.count(len(found), 'run')}, {words.size(sum(one.size for one in found))}"
    if dry_run or not found:
        say(f"{total} would be deleted" if found else "nothing is beyond the limits")
        return
    ask(base, lambda _: None, Told())  # what is not in the history yet would be lost to it
    gone = set(remove(found))
    say(f"{total} deleted" if len(gone) == len(found) else f"{len(gone):,} of {total} deleted")
    for one in found:
        if one.folder.name not in gone:
            say(f"itdash: {one.folder} could not be deleted", err=True)
