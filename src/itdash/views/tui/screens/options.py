"""What the next run is asked for, changed while itdash goes on."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from itdash.config import Config, load
from itdash.errors import ConfigError, ItdashError
from itdash.render import options as draw
from itdash.runner.command import Request, plan
from itdash.views.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.geometry import Size

    from itdash.config import Loaded
    from itdash.render.paint import Paint
    from itdash.render.spans import Spans
    from itdash.session import Terms

_OF_CONFIG: Final = ("workers", "retries", "timeout", "max_fail")
_OF_REQUEST: Final = ("keyword", "mark")


class Choices(Lines):
    """Suites, groups, and what else is marked or not."""

    class Changed(Message):
        """Something was marked, or no longer is."""

    chooses = True
    BINDINGS: ClassVar = [
        Binding("j,down", "step(1)", "down"), Binding("k,up", "step(-1)", "up"),
        Binding("space,x", "mark", "mark"),
    ]  # fmt: skip

    def __init__(self, choices: Sequence[draw.Choice], marked: set[draw.Choice]) -> None:
        super().__init__(id="choices")
        self.choices = choices
        self.marked = marked
        self._room = max(len(choice.name) + 4 * (choice.kind == "group") for choice in choices) + 2

    def count(self) -> int:
        """How many there are."""
        return len(self.choices)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As high as its lines."""
        return self.count()

    def line(self, place: int, width: int) -> Spans:  # noqa: ARG002
        """One of them."""
        choice = self.choices[place]
        return draw.line(choice, choice in self.marked, self._room)

    def names(self, kind: str) -> tuple[str, ...]:
        """Those of a kind that are marked, each once."""
        return tuple(
            dict.fromkeys(one.name for one in self.choices if one.kind == kind and one in self.marked)
        )

    def action_step(self, by: int) -> None:
        """Up or down, and past the ends to what stands there."""
        if 0 <= self.cursor + by < self.count():
            self.action_move(by)
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_mark(self) -> None:
        """Mark it, or take the mark away; a group of two suites is one."""
        chosen = self.choices[self.cursor]
        same = {one for one in self.choices if (one.kind, one.name) == (chosen.kind, chosen.name)}
        self.marked ^= same
        self.renew()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Mark what was clicked."""
        offset = event.get_content_offset(self)
        super().on_click(event)
        if offset is not None and offset.y + self.scroll_offset.y < self.count():
            self.action_mark()


class Press(Static):
    """A word that does what its key does when it is clicked."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text, markup=False)
        self._action = action

    async def on_click(self) -> None:
        """Do it."""
        await self.screen.run_action(self._action)


class Options(ModalScreen["tuple[Request, Config] | None"]):
    """Everything that a run can be asked for: gives the request and the configuration, or nothing."""

    BINDINGS: ClassVar = [
        Binding("enter", "run", "run"), Binding("escape", "dismiss(None)", "leave"),
        Binding("down", "app.focus_next", "down"), Binding("up", "app.focus_previous", "up"),
        Binding("ctrl+y", "copy", "copy the command"),
    ]  # fmt: skip
    AUTO_FOCUS = "#choices"
    DEFAULT_CSS = """
    Options {
        align: center middle;
        background: $background 60%;
        #options {
            width: 90; max-width: 96%; height: auto; max-height: 100%; padding: 0 1;
            background: $background; border: round $frame-focused; border-title-color: $primary;
        }
        Choices { height: auto; min-height: 3; max-height: 11; }
        .field { height: 1; }
        .field Static { width: 12; padding: 0 1; color: $text-dim; }
        .field:focus-within Static { color: $primary; text-style: bold; }
        .field Input { width: 1fr; background: $panel; color: $foreground; }
        .field Input:focus { background: $panel; }
        .field Input > .input--placeholder { color: $text-dim; }
        .field.-wrong Static { color: $status-failed; text-style: bold; }
        #told { height: auto; min-height: 2; padding: 0 1; color: $text-dim; }
        #told.-wrong { color: $status-failed; }
        #command { height: auto; max-height: 4; padding: 0 1; color: $text-strong; }
        #presses { height: 1; }
        Press { width: auto; padding: 0 1; color: $text-dim; }
        Press:hover { color: $text-strong; text-style: underline; }
    }
    """

    def __init__(self, request: Request, config: Config, loaded: Loaded, terms: Terms, paint: Paint) -> None:
        super().__init__()
        self._request, self._config, self._loaded, self._terms = request, config, loaded, terms
        self._paint = paint
        marked = {
            choice
            for choice in draw.choices(config.suites, request.only is not None)
            if choice.name in {"suite": request.suites, "group": request.groups}.get(choice.kind, ())
            or (choice.kind == "exit_first" and request.exit_first)
            or choice.kind == "only"
        }
        self._choices = Choices(draw.choices(config.suites, request.only is not None), marked)
        self._made: tuple[Request, Config] | None = None
        self.command = ""

    # -- what stands there --

    def compose(self) -> ComposeResult:
        """What can be marked, what can be filled in, what is wrong, and the command."""
        values = self._values(self._request, self._config)
        with VerticalScroll(id="options", can_focus=False) as box:
            box.border_title = "Options of the next run"
            yield self._choices
            for field in draw.FIELDS:
                with Horizontal(classes="field", id=f"field-{field.name}"):
                    yield Static(field.flag, markup=False)
                    yield Input(values[field.name], placeholder=field.empty, compact=True, id=field.name)
            yield Static("", markup=False, id="told")
            yield Static("", markup=False, id="command")
            with Horizontal(id="presses"):
                yield Press("Enter: run", "run")
                yield Press("Space: mark", "mark")
                yield Press("Tab: next", "app.focus_next")
                yield Press("^y: copy the command", "copy")
                yield Press("Escape: leave", "dismiss(None)")

    def on_mount(self) -> None:
        """Draw, and judge what is there."""
        if self._loaded.config.suites:
            self._choices.border_title = "Suites and groups (none marked: all)"
        else:
            self._choices.border_title = "No suites are declared: the whole project runs"
        self.call_after_refresh(self._choices.renew)
        self._judge()

    @staticmethod
    def _values(request: Request, config: Config) -> dict[str, str]:
        return {
            "keyword": request.keyword, "mark": request.mark, "workers": config.workers,
            "retries": draw.number(config.retries), "timeout": draw.number(config.timeout),
            "max_fail": draw.number(config.max_fail),
        }  # fmt: skip

    def _asked(self) -> draw.Asked:
        return draw.Asked(
            self._choices.names("suite"), self._choices.names("group"),
            bool(self._choices.names("exit_first")), bool(self._choices.names("only")),
            {field.name: self.query_one(f"#{field.name}", Input).value for field in draw.FIELDS},
        )  # fmt: skip

    # -- what becomes of it --

    def on_input_changed(self) -> None:
        """Judge with every letter."""
        self._judge()

    def on_choices_changed(self) -> None:
        """Judge with every mark."""
        self._judge()

    def on_input_submitted(self) -> None:
        """Enter in a field is Enter."""
        self.action_run()

    def _judge(self) -> None:
        """Make the request and the configuration, or tell why there is none."""
        asked = self._asked()
        told = wrong = ""
        self._made = None
        try:
            self._made = self._make(asked)
        except ItdashError as error:
            blamed = f"{error.where} {error.what}".split()
            wrong = next((field.name for field in draw.FIELDS if field.flag in blamed), "")
            lines = [line.removeprefix("itdash: ").strip() for line in error.lines()]
            told = f"{self._paint.glyph('failed')} " + "\n  ".join(lines)
        for field in draw.FIELDS:
            self.query_one(f"#field-{field.name}").set_class(field.name == wrong, "-wrong")
        shown = self.query_one("#told", Static)
        shown.update(told)
        shown.set_class(bool(told), "-wrong")
        self.command = draw.command(
            asked, self._usual(), self._request.paths, self._request.extra, draw.carried(self._terms.command)
        )
        self.query_one("#command", Static).update(f"$ {self.command}")

    def _make(self, asked: draw.Asked) -> tuple[Request, Config]:
        """The same checks as those of the command line."""
        terms, texts = self._terms, {name: text.strip() for name, text in asked.texts.items()}
        flags: dict[str, Any] = {name: texts[name] for name in _OF_CONFIG}
        for name in ("retries", "timeout", "max_fail"):
            flags[name] = flags[name] or 0
        checked = load(terms.cwd, flags).config
        config = msgspec.structs.replace(
            self._config, **{name: getattr(checked, name) for name in _OF_CONFIG}
        )
        for name in _OF_REQUEST:
            if fault := draw.fault(texts[name]):
                where = "the flag -k" if name == "keyword" else "the flag -m"
                raise ConfigError(fault, where=where, mend="join words with and, or, not and parentheses")
        request = msgspec.structs.replace(
            self._request, suites=asked.suites, groups=asked.groups, exit_first=asked.exit_first,
            keyword=texts["keyword"], mark=texts["mark"], only=self._request.only if asked.only else None,
        )  # fmt: skip
        plan(request, config, terms.root, terms.cwd, lambda module: find_spec(module) is not None)
        return request, config

    def _usual(self) -> dict[str, str]:
        """The values that need no flag; what a flag said at the start is told by one again."""
        usual = self._values(Request(), self._loaded.config)
        for name in _OF_CONFIG:
            if self._loaded.origins.get(name, "").startswith("the flag"):
                usual[name] = "\0"
        return usual

    def action_run(self) -> None:
        """Run with these, if they can be run with; judged now, for word of the last key may be on its way."""
        self._judge()
        if self._made:
            self.dismiss(self._made)
        else:
            self.app.bell()

    def action_mark(self) -> None:
        """Mark what the cursor is on, for those who click."""
        self._choices.action_mark()

    def action_copy(self) -> None:
        """Put the command on the clipboard of the terminal."""
        self.app.copy_to_clipboard(self.command)
        self.app.notify("the command is copied", markup=False)
