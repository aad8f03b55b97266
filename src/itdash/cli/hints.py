"""What was probably meant: a command by another name, an option of pytest, a path that is nearly right."""

from __future__ import annotations

import os
from importlib import util
from typing import TYPE_CHECKING, Final

import click

from itdash.errors import ItdashError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEANT: Final = {
    "launch": ("test", "tests", "pytest", "run", "start", "go", "exec", "all"),
    "watch": ("dev", "loop", "ptw"),
    "launch --last-failed": ("rerun", "retry", "again", "failed", "lf"),
    "runs": ("list", "ls", "log", "history"),
    "runs flaky": ("flaky",),
    "runs prune": ("clean", "clear", "prune", "rm", "gc"),
    "compare": ("diff", "changes"),
    "replay": ("show", "open", "play", "view", "dashboard"),
    "export": ("report", "html", "markdown", "junit"),
    "merge": ("combine", "join", "shards"),
    "config": ("settings", "conf", "options", "suites"),
    "requirements": ("req", "reqs", "matrix", "coverage"),
    "init": ("setup", "new", "create", "adopt"),
    "doctor": ("check", "health", "diagnose", "info"),
    "completion": ("completions", "complete", "autocomplete"),
}  # fmt: skip
"""Words that other tools have for what a command does."""

_OPTIONS: Final = {
    "--lf": "--last-failed", "--exitfirst": "-x", "--maxfail": "--max-fail", "--numprocesses": "-n",
    "--reruns": "--retries", "--junitxml": "--report junit.xml", "--junit-xml": "--report junit.xml",
    "--html": "--report report.html", "--parallel": "-n auto", "--keyword": "-k", "--filter": "-k",
    "--mark": "-m", "--marker": "-m", "--ci": "--headless", "--no-tui": "--headless", "--fail-fast": "-x",
    "--failfast": "-x",
}  # fmt: skip
"""Options of pytest and of other tools that `launch` has by another name."""

_NEARLY: Final = 0.6
_FLAG: Final = "--pyargs"


def command_meant(name: str, known: list[str]) -> str:
    """A hint at the command that `name` stands for."""
    if os.path.exists(name.partition("::")[0]):
        return f"did you mean 'launch {name}'?"
    for command, words in _MEANT.items():
        if name.lower() in words:
            return f"did you mean '{command}'?"
    return nearest(name, known)


class Launching(click.Command):
    """A command that runs tests: options of pytest that it has not are told apart from misspelt ones."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add to an unknown option what was meant."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            if name in _OPTIONS:
                ctx.fail(f"There is no option {name}; did you mean {_OPTIONS[name]}?")
            if error.possibilities:
                raise
            ctx.fail(
                f"There is no option {name}; options of pytest go behind --: itdash {self.name} -- {name}"
            )


def check_paths(paths: Sequence[str], root: str, arguments: Sequence[str]) -> None:
    """Refuse a path that is not there where another is nearly the same; pytest tells of the others."""
    if _FLAG in arguments or _FLAG in os.environ.get("PYTEST_ADDOPTS", ""):
        return
    for path in paths:
        file, mark, inside = path.partition("::")
        if not file or file.startswith("@") or os.path.exists(file) or _is_module(file):
            continue
        if meant := _path_meant(file, root):
            raise ItdashError(
                f"there is no {file}", where=os.getcwd(), mend=f"did you mean '{meant}{mark}{inside}'?"
            )


def _is_module(name: str) -> bool:
    """Whether a project that has pytest take modules could mean one."""
    try:
        return util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _path_meant(file: str, root: str) -> str:
    """The path itself from the project's folder on, or the one whose parts are most like it."""
    if not os.path.isabs(file) and os.path.exists(os.path.join(root, file)):
        return os.path.relpath(os.path.join(root, file))
    place = os.sep if os.path.isabs(file) else os.curdir
    for part in os.path.normpath(file).strip(os.sep).split(os.sep):
        step = os.path.join(place, part)
        if not os.path.exists(step):
            close = _most_like(part, place)
            if not close:
                return ""
            step = os.path.join(place, close)
        place = step
    return os.path.normpath(place)


def _most_like(name: str, folder: str) -> str:
    try:
        known = [entry for entry in os.listdir(folder) if not entry.startswith((".", "_"))]
    except OSError:
        return ""
    if not name.endswith(".py") and f"{name}.py" in known:
        return f"{name}.py"
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1, _NEARLY)
    return close[0] if close else ""
