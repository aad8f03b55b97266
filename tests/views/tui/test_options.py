"""The options of the next run: judged as the command line judges, and told as a command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import Recorded, dashboard, settled, text

from itdash import cli
from itdash.cli import launch as launching
from itdash.config import load
from itdash.render import options as draw
from itdash.render.paint import Paint
from itdash.runner.command import Request
from itdash.session import Terms
from itdash.views.tui.screens.options import Choices, Options

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from itdash.config import Config, Loaded

Given = list["tuple[Request, Config] | None"]

PROJECT = """
workers = "2"
[suites.api]
title = "The service"
paths = ["tests/api"]
groups = { smoke = "mark:smoke", slow = "k:slow" }
[suites.jobs]
paths = ["tests/jobs"]
groups = { slow = "k:slow" }
"""

RIGHT = (
    "", " ", "login", "not slow", "a and (b or not c)", "test_x[1-2]", "class or lambda", "a.b::c",
    "smoke(level=3)", 'smoke(name="a b and")', "not not x", "ünï", "1 or 2", "None", "x[a/b\\c]",
)  # fmt: skip
WRONG = (
    "a and",
    "(a",
    "a)",
    "a b",
    "and",
    "not",
    "a or or b",
    "a & b",
    "()",
    "a, b",
    "a = 1",
    "'a b",
    "a\x00",
)


@pytest.mark.parametrize("expression", RIGHT)
def test_an_expression_that_pytest_understands(expression: str) -> None:
    from _pytest.mark.expression import Expression

    if expression.strip():
        Expression.compile(expression)
    assert draw.fault(expression) == ""


@pytest.mark.parametrize("expression", WRONG)
def test_an_expression_that_it_does_not(expression: str) -> None:
    from _pytest.mark.expression import Expression

    with pytest.raises(SyntaxError):
        Expression.compile(expression)
    assert draw.fault(expression)


@given(st.lists(st.sampled_from(["a", "b[1-2]", "and", "or", "not", "(", ")", "x(k=1)", "if"]), max_size=8))
def test_what_pytest_understands_is_never_refused(words: list[str]) -> None:
    from _pytest.mark.expression import Expression

    expression = " ".join(words)
    try:
        Expression.compile(expression)
    except SyntaxError:
        return
    assert draw.fault(expression) == ""


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["itdash", "launch", "-k", "x"], ()),
        (["itdash", "launch", "--profile", "ci", "-x", "--ascii"], ("--profile", "ci", "--ascii")),
        (["itdash", "launch", "--profile=ci", "--", "--theme", "x"], ("--profile=ci",)),
        (["itdash", "launch", "--strict-requirements", "--require-coverage", "90%"],
         ("--strict-requirements", "--require-coverage", "90%")),
    ],
)  # fmt: skip
def test_what_is_for_every_run_is_carried_over(argv: list[str], kept: tuple[str, ...]) -> None:
    assert draw.carried(argv) == kept


def test_every_flag_is_one_of_launch() -> None:
    launch = launching.command
    flags = {flag for option in launch.params if isinstance(option, click.Option) for flag in option.opts}
    assert {field.flag for field in draw.FIELDS} | set(draw._CARRIED) <= flags


class Opened:
    """The screen over a small project."""

    def __init__(
        self, folder: Path, request: Request, argv: tuple[str, ...], flags: dict[str, object]
    ) -> None:
        (folder / "itdash.toml").write_text(PROJECT)
        for name in ("api", "jobs"):
            (folder / "tests" / name).mkdir(parents=True, exist_ok=True)
        self.given: Given = []
        self.loaded = load(folder, flags)
        terms = Terms(folder, folder, argv)
        self.screen = Options(request, self.loaded.config, self.loaded, terms, Paint(True, False))

    async def show(self, pilot: Pilot[int]) -> None:
        """Open it."""
        pilot.app.push_screen(self.screen, self.given.append)
        await settled(pilot)


async def fill(pilot: Pilot[int], field: str, value: str) -> None:
    """Type into a field."""
    from textual.widgets import Input

    place = pilot.app.screen.query_one(f"#{field}", Input)
    place.focus()
    place.value = ""
    await pilot.press(*value)
    await settled(pilot)


@pytest.mark.asyncio
async def test_what_is_chosen_is_given_and_told_as_a_command(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(extra=("-ra",)), ("itdash", "launch", "--ascii", "--", "-ra"), {})
    async with dashboard([], tmp_path, (80, 24)) as (pilot, _):
        await opened.show(pilot)
        assert opened.screen.command == "itdash launch --ascii -- -ra"
        await pilot.press("space", "down", "space")
        await fill(pilot, "keyword", "a or b")
        await fill(pilot, "workers", "")
        await fill(pilot, "timeout", "2.5")
        command = "itdash launch --ascii --suite api --group smoke -k 'a or b' -n 0 --timeout 2.5 -- -ra"
        assert opened.screen.command == command
        assert "itdash launch --ascii --suite api" in await text(pilot)
        await pilot.press("enter")
        await settled(pilot)
    assert opened.given[0] is not None
    request, config = opened.given[0]
    assert request == Request(suites=("api",), groups=("smoke",), keyword="a or b", extra=("-ra",))
    assert (config.workers, config.timeout, config.retries) == ("", 2.5, 0)
    assert config.suites == opened.loaded.config.suites


@pytest.mark.asyncio
async def test_the_command_asks_for_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(tmp_path, Request(), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, _):
        await opened.show(pilot)
        await pilot.press("space")
        await fill(pilot, "retries", "3")
        await fill(pilot, "max_fail", "7")
        await fill(pilot, "mark", "not (slow or x)")
        await pilot.press("enter")
        await settled(pilot)
    asked: list[tuple[Request, Config]] = []
    monkeypatch.chdir(tmp_path)

    def noted(_link: object, loaded: Loaded, request: Request, _terms: Terms, _files: object) -> int:
        asked.append((request, loaded.config))
        return 0

    monkeypatch.setattr(launching, "_headless", noted)
    words = shlex.split(opened.screen.command)[1:]
    cli.main.main([words[0], "--headless", *words[1:]], standalone_mode=False, obj=(object(), ()))
    assert asked == opened.given


@pytest.mark.asyncio
async def test_what_the_command_line_said_is_there_and_leaving_changes_nothing(tmp_path: Path) -> None:
    request = Request(suites=("jobs",), exit_first=True, mark="smoke")
    opened = Opened(tmp_path, request, ("itdash", "launch"), {"workers": "4", "timeout": 30.0})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, _):
        await opened.show(pilot)
        assert opened.screen.command == "itdash launch --suite jobs -m smoke -n 4 --timeout 30 -x"
        shown = await text(pilot)
        assert "[x] jobs" in shown
        assert "[ ] api" in shown
        await fill(pilot, "timeout", "99")
        await pilot.press("escape")
        await settled(pilot)
    assert opened.given == [None]


TOLD = {
    "workers": ("two", "workers must be a number or auto, not 'two'"),
    "retries": ("-1", "retries must be at least 0"),
    "timeout": ("soon", "timeout must be a number, not 'soon'"),
    "max_fail": ("1.5", "max_fail must be a whole number"),
    "keyword": ("a and", "'a and' is no expression"),
    "mark": ("(x", "'(x' is no expression"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("field", TOLD)
async def test_a_mistake_is_told_at_once_and_cannot_be_run(field: str, tmp_path: Path) -> None:
    value, told = TOLD[field]
    opened = Opened(tmp_path, Request(), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (80, 24)) as (pilot, _):
        await opened.show(pilot)
        await fill(pilot, field, value)
        assert told in " ".join((await text(pilot)).split())
        assert pilot.app.screen.query_one(f"#field-{field}").has_class("-wrong")
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen is opened.screen
        await fill(pilot, field, "1" if field in ("workers", "retries", "timeout", "max_fail") else "x")
        assert told not in " ".join((await text(pilot)).split())
    assert opened.given == []


@pytest.mark.asyncio
async def test_a_group_of_another_suite_is_told_as_the_command_line_does(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(suites=("jobs",), groups=("smoke",)), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (80, 24)) as (pilot, _):
        await opened.show(pilot)
        shown = await text(pilot)
    assert "there is no group 'smoke'" in shown
    assert "it belongs to suite 'api'" in shown


@pytest.mark.asyncio
async def test_a_plugin_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from itdash.views.tui.screens import options as screen

    monkeypatch.setattr(screen, "find_spec", lambda _: None)
    opened = Opened(tmp_path, Request(), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (80, 24)) as (pilot, _):
        await opened.show(pilot)
        assert "-n needs pytest-xdist, which is not installed" in await text(pilot)


@pytest.mark.asyncio
async def test_a_group_of_two_suites_is_one(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(groups=("slow",)), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, _):
        await opened.show(pilot)
        assert (await text(pilot)).count("[x] slow") == 2
        await pilot.press("down", "down", "space")
        assert (await text(pilot)).count("[x] slow") == 0
        assert opened.screen.command == "itdash launch"


@pytest.mark.asyncio
async def test_arrows_go_through_all_and_the_mouse_marks(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(only=frozenset({"a"})), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, _):
        await opened.show(pilot)
        assert opened.screen.command == "itdash launch --last-failed"
        await pilot.press(*["down"] * 7)
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "keyword"
        await pilot.press("up", "space")
        assert opened.screen.command == "itdash launch"
        await pilot.click("#choices", offset=(6, 6))
        await settled(pilot)
        assert opened.screen.command == "itdash launch -x"
        await pilot.click("Press")
        await settled(pilot)
    assert opened.given[0] is not None
    assert opened.given[0][0] == Request(exit_first=True)


@pytest.mark.asyncio
async def test_the_command_can_be_copied(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, session):
        assert isinstance(session, Recorded)
        await opened.show(pilot)
        await pilot.press("ctrl+y")
        await settled(pilot)
        assert pilot.app.clipboard == "itdash launch"


@pytest.mark.asyncio
async def test_a_mark_counts_that_was_made_just_before(tmp_path: Path) -> None:
    opened = Opened(tmp_path, Request(), ("itdash", "launch"), {})
    async with dashboard([], tmp_path, (100, 40)) as (pilot, _):
        await opened.show(pilot)
        opened.screen.query_one(Choices).action_mark()
        opened.screen.action_run()
        await settled(pilot)
    assert opened.given[0] is not None
    assert opened.given[0][0] == Request(suites=("api",))
