"""`itdash replay`: a recorded run, shown as it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itdash.cli import completing
from itdash.cli.common import NamingRuns, ascii_option, on_screen, profile_option, say

if TYPE_CHECKING:
    from itdash.config import Config, Loaded
    from itdash.history.player import Player
    from itdash.history.recorded import Recorded

_EXAMPLES = """\b
Examples:
  itdash replay                          the latest run
  itdash replay -2 --speed 4             the one before it, four times as fast
  itdash replay run.tar.gz --from 12s    a file from CI, from its twelfth second
  itdash replay --from test_login        from the moment at which this test began
"""


@click.command("replay", cls=NamingRuns, epilog=_EXAMPLES, short_help="Show a recorded run as it was.")
@click.argument("run", default="latest", metavar="[RUN|FILE]", shell_complete=completing.runs)
@click.option("--headless", is_flag=True, help="Print lines.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Play X times as fast as it was; 0 does not wait, which is what lines do.",
)
@click.option("--from", "start", default="", metavar="TIME|TEST", help="Begin at this moment.")
@profile_option
@ascii_option
@click.pass_context
def command(
    context: click.Context,
    run: str,
    headless: bool,
    speed: float | None,
    start: str,
    profile: str,
    ascii_only: bool | None,
) -> None:
    """Show the recorded RUN again, as it was when it ran; no test is run.

    RUN is `latest`, `-2` for the one before it, the start of a name, the path of its folder, or an archive
    that `itdash export -o run.tar.gz` or a CI service made. A recording that was cut off plays as far as it
    goes.
    """
    from itdash.config import load
    from itdash.history import recorded
    from itdash.history.archive import opened
    from itdash.history.player import Player

    loaded = load(Path.cwd(), {"ascii": ascii_only}, profile)
    with opened(loaded.root / loaded.config.directory, run) as (folder, damage):
        found = recorded.read(folder)
        if damage:
            say(f"itdash: {damage}", err=True)
        if found.state.run is None:
            say("itdash: the recording does not tell how the run began", err=True)
        player = Player(found.events)
        moment = _moment(player, start)
        if not headless and on_screen():
            context.exit(_screen(player, folder, loaded, 1.0 if speed is None else speed, moment))
        _lines(found, player, folder, Path(run), loaded.config, speed or 0, moment)
        if found.state.finished is None:
            say("itdash: the recording has no end: the run goes on still, or was cut off", err=True)


def _lines(
    found: Recorded, player: Player, folder: Path, run: Path, config: Config, speed: float, moment: int
) -> None:
    from itdash.history.archive import is_archive
    from itdash.render.paint import paint_for
    from itdash.views.ci import CiView
    from itdash.views.replay import play

    paint = paint_for(sys.stdout, ascii_only=config.ascii)
    live = sys.stdout.isatty() and paint.colour
    view = CiView(sys.stdout, paint, config.slowest, config.failures_shown, live)
    place = run.resolve() if is_archive(run) else folder
    play(found, player, view, folder, place, speed, moment)


def _screen(player: Player, folder: Path, loaded: Loaded, speed: float, moment: int) -> int:
    from itdash.history.playback import SPEEDS, Playback
    from itdash.session import Terms
    from itdash.views.export import documents
    from itdash.views.tui.replaying import open_replay

    playback = Playback(player, speed or SPEEDS[-1], moment)
    terms = Terms(loaded.root, Path.cwd(), tuple(sys.argv))
    return open_replay(playback, folder, loaded, terms, documents)


def _moment(player: Player, start: str) -> int:
    from itdash.history.player import duration

    if not start:
        return 0
    try:
        return min(duration(start), player.length)
    except ValueError:
        return player.start_of(start)
