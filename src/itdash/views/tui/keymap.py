"""Every key of the dashboard as data: its id, what it does, and where it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from textual.binding import Binding, BindingType

from itdash.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Key(NamedTuple):
    """One thing that a key does."""

    id: str
    keys: str
    action: str
    words: str
    group: str
    footer: str = ""
    """The word in the last line, for the few that stand there."""
    at_once: bool = False
    """Whether what was typed right after it must find it done already."""


KEYS: Final = (
    Key("run.all", "a", "app.run_all", "run all tests", "Run", "all"),
    Key("run.failed", "f", "app.run_failed", "run those that failed", "Run", "failed"),
    Key("run.selected", "r", "run_selected", "run what is marked, or chosen", "Run", "run"),
    Key("run.mark", "x", "mark", "mark a test or a branch", "Run"),
    Key("run.unmark", "X", "unmark", "take all marks away", "Run"),
    Key("run.stop", "s", "app.stop", "ask the run to end", "Run", "stop"),
    Key("run.kill", "S", "app.kill", "end the run at once", "Run"),
    Key("run.watch", "w", "app.watch", "run again whenever a file is saved, or no more", "Run", "watch"),
    Key("run.options", "c", "app.options", "choose suites, groups, workers, limits", "Run", "options"),
    Key("go.down", "j,down", "move(1)", "down", "Go"),
    Key("go.up", "k,up", "move(-1)", "up", "Go"),
    Key("go.page-down", "pagedown,ctrl+d", "page(1)", "a page down", "Go"),
    Key("go.page-up", "pageup,ctrl+u", "page(-1)", "a page up", "Go"),
    Key("go.top", "g,home", "edge(False)", "to the first line", "Go"),
    Key("go.bottom", "G,end", "edge(True)", "to the last line", "Go"),
    Key("go.choose", "enter", "choose", "run a test; open a branch, an operation, a requirement", "Go"),
    Key("go.open", "l,right", "fold(True)", "open a branch", "Go"),
    Key("go.close", "h,left", "fold(False)", "close a branch", "Go"),
    Key("go.open-all", "L", "fold_all(True)", "open every branch", "Go"),
    Key("go.close-all", "H", "fold_all(False)", "close every branch", "Go"),
    Key("go.next-failure", "J", "failure(1)", "to the next failure", "Go", "next failure"),
    Key("go.last-failure", "K", "failure(-1)", "to the failure before", "Go"),
    *(Key(f"go.panel-{n}", f"{n}", f"panel({n})", f"to panel {n}", "Go") for n in range(1, 8)),
    Key("go.next-panel", "tab", "app.focus_next", "to the next panel", "Go"),
    Key("show.filter", "slash", "filter", "show only what matches; `!word` leaves out", "Show", "filter",
        at_once=True),
    Key("show.state", "v", "show_only", "show all, failing, running, not passed, or retried tests", "Show"),
    Key("show.sort", "t", "sort", "sort as collected, slowest first, worst first", "Show"),
    Key("show.zoom", "z", "zoom", "make a panel fill the screen, and back", "Show", "zoom"),
    Key("show.pause", "space", "app.pause", "hold the display still; the run goes on", "Show"),
    Key("show.theme", "ctrl+t", "app.themes", "choose a theme", "Show"),
    Key("show.runs", "b", "app.runs", "look at an older run", "Show"),
    Key("show.compare", "C", "compare", "what changed against the baseline, or the run before", "Show"),
    Key("show.export", "e", "export", "write the run as Markdown and as a page", "Show", "export"),
    Key("test.view", "i", "view", "the test with all that is known of it", "Test", "inspect"),
    Key("test.edit", "o", "edit", "open it in $EDITOR", "Test"),
    Key("test.copy", "y", "copy", "copy its id", "Test"),
    Key("test.copy-failure", "Y", "copy_failure", "copy its failure", "Test"),
    Key("test.debug", "d", "debug", "run it under pdb, with the screen away", "Test"),
    Key("app.help", "question_mark", "app.help", "every key", "App", "help"),
    Key("app.palette", "ctrl+p", "app.command_palette", "every action by its name", "App"),
    Key("app.suspend", "ctrl+z", "app.suspend_process", "go to the background", "App"),
    Key("app.quit", "q,ctrl+c", "app.leave", "leave; asks once while tests run", "App", "quit"),
)  # fmt: skip


TIMELINE: Final = (
    Key("time.closer", "plus,equals_sign", "zoom(True)", "see less time, closer", "Timeline"),
    Key("time.wider", "minus", "zoom(False)", "see more time", "Timeline"),
    Key("time.whole", "0", "whole", "see the whole run, and go with it", "Timeline"),
    Key("time.earlier", "left,h", "step(-1)", "earlier", "Timeline"),
    Key("time.later", "right,l", "step(1)", "later", "Timeline"),
    Key("time.page-earlier", "shift+left", "turn(-1)", "a page earlier", "Timeline"),
    Key("time.page-later", "shift+right", "turn(1)", "a page later", "Timeline"),
    Key("time.choose", "enter", "choose", "go to the test under the cursor", "Timeline"),
)
"""What keys do in the timeline only."""

REPLAY: Final = (
    Key("replay.hold", "space", "app.pause", "hold the recording, or play on", "Replay", "hold"),
    Key("replay.step", "full_stop", "app.step(True)", "to where a test begins or ends", "Replay", "step"),
    Key("replay.step-back", "comma", "app.step(False)", "to where one began or ended", "Replay", "back"),
    Key("replay.later", "right_square_bracket", "app.skip(5)", "five seconds on", "Replay", "+5s"),
    Key("replay.earlier", "left_square_bracket", "app.skip(-5)", "five seconds back", "Replay", "-5s"),
    Key("replay.faster", "greater_than_sign", "app.faster(True)", "faster", "Replay", "faster"),
    Key("replay.slower", "less_than_sign", "app.faster(False)", "slower", "Replay", "slower"),
    Key("replay.here", "p", "here", "to where the chosen test began", "Replay", "to test"),
)  # fmt: skip
"""What keys do in `itdash replay` only."""

EVERY: Final = (*KEYS, *TIMELINE, *REPLAY)

_LAST: Final = ("app.help", "app.quit")
FOOTER: Final = (
    *(key for key in KEYS if key.footer and key.id in _LAST),
    *(key for key in KEYS if key.footer and key.id not in _LAST),
)
"""The keys that the last line tells; on a narrow screen those that come last have no room."""


BY_ID: Final = {key.id: key for key in EVERY}


def bindings(ids: Iterable[str]) -> list[BindingType]:
    """Some keys as textual wants them; by their ids they are where the user has them."""
    return [
        Binding(key.keys, key.action, key.words, show=False, id=key.id, priority=key.at_once)
        for key in map(BY_ID.__getitem__, ids)
    ]


def remapped(given: Mapping[str, str], where: str = "[tool.itdash.keys]") -> dict[str, str]:
    """What the user wants instead, checked."""
    for id in given:
        if id not in BY_ID:
            mend = nearest(id, list(BY_ID))
            raise ConfigError(f"there is no action {id!r} to give a key", where=where, mend=mend)
    return dict(given)


def label(keys: str) -> str:
    """A key as it is printed on one."""
    first = keys.split(",", maxsplit=1)[0]
    names = {
        "slash": "/", "question_mark": "?", "space": "Space", "enter": "Enter", "plus": "+",
        "equals_sign": "=", "minus": "-", "full_stop": ".", "comma": ",", "right_square_bracket": "]",
        "left_square_bracket": "[", "greater_than_sign": ">", "less_than_sign": "<",
    }  # fmt: skip
    return names.get(first, first.replace("ctrl+", "^"))
