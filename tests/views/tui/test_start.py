"""The way to the first picture: what is not needed for it is not there yet."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import dashboard, recorded, text
from textual.css.stylesheet import Stylesheet

from itdash.errors import ConfigError
from itdash.views.tui import theme_file, themes

if TYPE_CHECKING:
    from pathlib import Path

LATER = (
    "yaml", "jinja2", "pygments", "markdown_it", "itdash.views.tui.widgets.filter",
    "itdash.views.tui.screens.help", "itdash.views.tui.screens.inspect", "itdash.views.tui.screens.options",
    "itdash.views.tui.screens.operation", "itdash.views.tui.screens.runs", "itdash.views.tui.screens.themes",
)  # fmt: skip


def test_what_the_first_picture_does_not_need_is_not_imported(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from itdash.config import Config, Loaded
from itdash.render.paint import Paint
from itdash.runner.command import Request
from itdash.session import Session, Terms
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.board import Board
root = Path({str(tmp_path)!r})
board = Board()
session = Session(Terms(root, root, ()), None, [board])
ItdashApp(session, Loaded(Config(), root, {{}}), Request(), board, Paint(True, False))
print([name for name in {LATER!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.asyncio
async def test_sheets_of_style_are_read_once_for_the_first_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[None] = []
    reparse = Stylesheet.reparse

    def noted(sheet: Stylesheet) -> None:
        again.append(None)
        reparse(sheet)

    monkeypatch.setattr(Stylesheet, "reparse", noted)
    async with dashboard(recorded("measured"), tmp_path) as (pilot, _):
        assert "test_too_slow" in await text(pilot)
        assert not again


@pytest.mark.parametrize("file", sorted(themes.bundled().iterdir()), ids=lambda file: file.stem)
def test_bundled_themes_need_no_yaml_and_say_the_same_in_it(file: Path) -> None:
    written = file.read_text("utf-8")
    assert theme_file.plainly(written) == theme_file.by_yaml(written, file)


PIECES = st.sampled_from([
    "about", "dark", "colors", "roles", "a-b", "é", ":", ": ", '"#ff0000"', '"a', "'b'", "true", "null",
    "~", "12", "  ", "    ", " ", "\n", "\n", "\n  ", "# note", "#", "-", "- ", "{}", "|", "\t", "\\", "%",
    "&x", "*x", '""',
])  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_is_read_without_yaml_says_the_same_in_it(written: str) -> None:
    found = theme_file.plainly(written)
    if found is not None:
        assert found == theme_file.by_yaml(written, themes.bundled() / "x.yaml")


@pytest.mark.parametrize(
    "text", ["colors: [1]\n", 'about: "a\\tb"\n', "dark: true\ndark: false\n", "a: &b c\n", ""]
)
def test_what_is_more_than_names_and_values_is_left_to_yaml(text: str) -> None:
    assert theme_file.plainly(text) is None


def test_a_name_that_stands_there_twice_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("dark: true\ndark: false\n")
    with pytest.raises(ConfigError, match="stands there twice"):
        theme_file.read(file)
