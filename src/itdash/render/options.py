"""The choices of the next run: as lines, and as the command that asks for the same."""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render.text import inert, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from itdash.config import SuiteConfig
    from itdash.render.spans import Spans

_WORD: Final = re.compile(r"[\w:+\-.\[\]\\/]+")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_KNOWN: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load, ast.keyword,
)  # fmt: skip
_JOINING: Final = ("and", "or", "not")
_CARRIED: Final = {
    "--profile": True, "--theme": True, "--require-coverage": True, "--strict-requirements": False,
    "--ascii": False,
}  # fmt: skip
"""Options of `launch` that are for every run, and whether a value follows."""


class Field(NamedTuple):
    """A text to be filled in."""

    name: str
    flag: str
    empty: str
    """What it means when nothing is filled in."""
    nothing: str = ""
    """What the flag takes for that."""


FIELDS: Final = (
    Field("keyword", "-k", "names: all tests; try: login and not slow"),
    Field("mark", "-m", "marks: all tests; try: smoke or not slow"),
    Field("workers", "-n", "workers: none, all tests in one process; a number, or auto", "0"),
    Field("retries", "--retries", "how often a failed test is tried again: never", "0"),
    Field("timeout", "--timeout", "seconds that a test may take: no limit", "0"),
    Field("max_fail", "--max-fail", "stop after so many failures: no limit", "0"),
)


class Choice(NamedTuple):
    """Something that is marked or not."""

    kind: str
    """suite, group, exit_first or only"""
    name: str
    about: str


def choices(suites: Sequence[SuiteConfig], narrowed: bool) -> list[Choice]:
    """All that can be marked; `narrowed` where the run was asked for certain tests only."""
    found = []
    for suite in suites:
        found.append(Choice("suite", suite.name, suite.title if suite.title != suite.name else ""))
        found += [Choice("group", name, expression) for name, expression in suite.groups.items()]
    found.append(Choice("exit_first", "-x", "stop after the first failure"))
    if narrowed:
        found.append(Choice("only", "--last-failed", "only what failed before this session began"))
    return found


def line(choice: Choice, marked: bool, room: int) -> Spans:
    """One that can be marked, with its name in `room` columns."""
    depth = "    " if choice.kind == "group" else ""
    name = f"{depth}{one_line(choice.name)}"
    box = "[x]" if marked else "[ ]"
    role = "strong" if marked else "plain"
    return [
        ("plain", " "), ("plain", depth), ("key" if marked else "dim", box),
        (role, f" {name[len(depth):]}"), ("plain", " " * max(2, room - len(name))),
        ("dim", one_line(choice.about)),
    ]  # fmt: skip


def number(value: float) -> str:
    """A number as one would type it; nothing for none."""
    return "" if not value else str(int(value)) if value == int(value) else repr(value)


def fault(expression: str) -> str:
    """What is wrong with an expression for -k or -m; nothing where pytest will understand it.

    Python reads the same grammar once every name is one that it knows: names of tests may hold more signs.
    """
    try:
        text = _QUOTED.sub("x", expression)
        text = _WORD.sub(lambda word: word[0] if word[0] in _JOINING else "x", text)
        tree = ast.parse(f"({text})" if expression.strip() else "x", mode="eval")
        right = all(map(_is_known, ast.walk(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        right = False
    return "" if right else f"{one_line(expression)!r} is no expression"


def _is_known(node: ast.AST) -> bool:
    """Whether pytest has this too."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and not node.args
    return isinstance(node, _KNOWN)


def carried(argv: Sequence[str]) -> tuple[str, ...]:
    """What was said on the command line that stays as it is for every run."""
    kept: list[str] = []
    given = iter(argv[: argv.index("--")] if "--" in argv else argv)
    for word in given:
        name, sign, _ = word.partition("=")
        if name in _CARRIED:
            kept.append(word)
            if _CARRIED[name] and not sign:
                kept += [value for value in (next(given, None),) if value is not None]
    return tuple(kept)


class Asked(NamedTuple):
    """What is filled in and marked."""

    suites: tuple[str, ...]
    groups: tuple[str, ...]
    exit_first: bool
    only: bool
    texts: dict[str, str]


def command(
    asked: Asked, usual: dict[str, str], paths: Sequence[str], extra: Sequence[str], kept: Collection[str]
) -> str:
    """The command that asks for this; what is `usual` without a flag needs none."""
    words = ["itdash", "launch", *kept, *paths, *_flags(asked, usual)]
    return inert(shlex.join([*words, "--", *extra] if extra else words))


def _flags(asked: Asked, usual: dict[str, str]) -> Iterator[str]:
    for flag, names in (("--suite", asked.suites), ("--group", asked.groups)):
        for name in names:
            yield from (flag, name)
    for field in FIELDS:
        text = asked.texts[field.name].strip()
        if text != usual[field.name]:
            yield from (field.flag, text or field.nothing)
    if asked.exit_first:
        yield "-x"
    if asked.only:
        yield "--last-failed"
