"""Colour only where it is wanted, glyphs only where they can be shown."""

from __future__ import annotations

import io
import os
import pty
from typing import TYPE_CHECKING, TextIO

import pytest

from itdash.render.paint import Paint, paint_for

if TYPE_CHECKING:
    from collections.abc import Iterator

GLYPHS = ("passed", "failed", "crashed", "skipped", "flaky", "running", "bar", "empty", "rule", "cut", "dot")


def stream(encoding: str = "utf-8", terminal: bool = False) -> TextIO:
    class Stream(io.TextIOWrapper):
        def isatty(self) -> bool:
            return terminal

    return Stream(io.BytesIO(), encoding=encoding)


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A real one."""
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as handle:
        yield handle
    os.close(ours)


@pytest.mark.parametrize(
    ("environment", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": "0"}, False, False),
    ],
)
def test_where_there_is_colour(
    environment: dict[str, str], on_terminal: bool, elsewhere: bool, terminal: TextIO
) -> None:
    assert paint_for(terminal, environment).colour is on_terminal
    assert paint_for(stream(), environment).colour is elsewhere


def test_colour_is_put_around_the_text_and_taken_back() -> None:
    assert Paint(True, False)("failed", "x") == "\x1b[31;1mx\x1b[0m"
    assert Paint(True, False)("plain", "x") == "x"
    assert Paint(True, False)("failed", "") == ""


def test_without_colour_nothing_is_added() -> None:
    roles = ("passed", "failed", "crashed", "skipped", "flaky", "warned", "dim", "strong", "plain")
    assert {Paint(False, False)(role, "x") for role in roles} == {"x"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_an_encoding_without_the_glyphs_gets_their_twins(encoding: str) -> None:
    paint = paint_for(stream(encoding), {})
    assert paint.ascii
    assert all(paint.glyph(name).isascii() for name in GLYPHS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_encoding_with_the_glyphs_shows_them(encoding: str) -> None:
    paint = paint_for(stream(encoding), {})
    assert not paint.ascii
    assert paint.glyph("passed") == "✓"


def test_plain_ascii_can_be_asked_for() -> None:
    assert paint_for(stream("utf-8"), {}, ascii_only=True).glyph("failed") == "x"


def test_a_stream_that_does_not_tell_its_encoding_gets_ascii() -> None:
    assert paint_for(io.StringIO(), {}).ascii

    class Bare:
        def isatty(self) -> bool:
            return False

    assert paint_for(Bare(), {}).ascii  # type: ignore[arg-type]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_signs_that_stand_side_by_side_are_as_wide_as_each_other(ascii_only: bool) -> None:
    paint = Paint(False, ascii_only)
    assert {len(paint.glyph(name)) for name in GLYPHS if name != "cut"} == {1}


def test_outcomes_can_be_told_apart_without_colour() -> None:
    for ascii_only in (False, True):
        signs = [
            Paint(False, ascii_only).glyph(name)
            for name in ("passed", "failed", "crashed", "skipped", "flaky")
        ]
        assert len(set(signs)) == len(signs)
