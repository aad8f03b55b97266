"""The runs that are kept, to look at an older one."""

from __future__ import annotations

import datetime
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from textual.binding import Binding
from textual.screen import ModalScreen

from itdash.events.journal import runs
from itdash.render.runs import Kept, line
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult
    from textual.geometry import Size

    from itdash.render.spans import Spans

_HEAD: Final = 32_768
_TESTS: Final = b',"cases":['
_MOST: Final = 10_000


class _Summary(msgspec.Struct):
    """What a line tells of a `summary.json`."""

    started: float
    duration: float
    verdict: str
    outcomes: dict[str, int]


def read(folder: Path) -> Kept:
    """A run, from the head of its summary alone: what follows has a piece for every test."""
    moment = _moment_of_name(folder.name)
    try:
        with (folder / "summary.json").open("rb") as file:
            text = file.read(_HEAD)
            place = text.find(_TESTS)
            text = text + file.read() if place < 0 else text[:place] + b"}"
        found = msgspec.json.decode(text, type=_Summary)
        moment = _told(found.started) if found.started else moment
        took = round(found.duration * 1e9)
    except FileNotFoundError:
        return Kept(moment, problem="cut off: it has no summary")
    except (OSError, msgspec.DecodeError, ValueError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not as itdash writes it"
        return Kept(moment, problem=f"its summary cannot be read: {why}")
    return Kept(moment, found.verdict, found.outcomes, took)


def _moment_of_name(name: str) -> str:
    try:
        moment = datetime.datetime.strptime(name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=datetime.UTC)
    except ValueError:
        return f"{name[:19]:19}"
    return _told(moment.timestamp())


def _told(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


class RunList(Lines):
    """Runs, each read when it is first seen."""

    chooses = True
    BINDINGS: ClassVar = [
        Binding("j,down", "move(1)", "down"), Binding("k,up", "move(-1)", "up"),
        Binding("pagedown,ctrl+d", "page(1)", "a page down"),
        Binding("pageup,ctrl+u", "page(-1)", "a page up"),
        Binding("g,home", "edge(False)", "first"), Binding("G,end", "edge(True)", "last"),
    ]  # fmt: skip

    def __init__(self, folders: Sequence[Path], running: Path | None) -> None:
        super().__init__(id="runs")
        self.folders = folders
        self._going = running
        self._read: dict[Path, Kept] = {}

    def count(self) -> int:
        """How many runs there are; one line says so when there is none."""
        return max(1, len(self.folders))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As high as its lines."""
        return self.count()

    def line(self, place: int, width: int) -> Spans:
        """A run."""
        if not self.folders:
            return [("dim", " no run is kept yet")]
        folder = self.folders[place]
        if folder not in self._read:
            moment = _moment_of_name(folder.name)
            self._read[folder] = Kept(moment, "running") if folder == self._going else read(folder)
        return line(self._read[folder], width, self.paint)

    def on_click(self, event: events.Click) -> None:
        """Choose a run; a second click shows it."""
        super().on_click(event)
        if event.chain > 1:
            self.screen.run_worker(self.screen.run_action("take"))


class Runs(ModalScreen["Path | None"]):
    """A list to choose from: the folder of the run that was chosen, or nothing."""

    BINDINGS: ClassVar = [
        Binding("enter", "take", "show"), Binding("escape,q,b", "dismiss(None)", "back"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Runs { align: center middle; background: $background 60%;
        RunList { width: 100; max-width: 95%; height: auto; max-height: 80%; background: $background; } }
    """

    def __init__(self, kept: Path, running: Path | None = None) -> None:
        super().__init__()
        self._list = RunList(list(islice(runs(kept), _MOST)), running)

    def compose(self) -> ComposeResult:
        """The list."""
        self._list.border_title = "Runs, newest first"
        self._list.border_subtitle = "Enter: show   Escape: back"
        yield self._list

    def on_mount(self) -> None:
        """Draw it."""
        self.call_after_refresh(self._list.renew)

    def action_take(self) -> None:
        """Give the folder of the run that the cursor is on."""
        if self._list.folders:
            self.dismiss(self._list.folders[self._list.cursor])
