"""What the pages on the dashboard and its themes say is what the code does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests_support import DOCS

from itdash.render.paint import Paint
from itdash.views.tui import keymap, theme_file, themes

if TYPE_CHECKING:
    from pathlib import Path


def keys_table() -> str:
    """Every key as the page has it."""
    rows = ["| keys | what they do | where | id |", "|---|---|---|---|"]
    for key in keymap.EVERY:
        names = " ".join(f"`{keymap.label(name)}`" for name in key.keys.split(","))
        rows.append(f"| {names} | {key.words} | {key.group} | `{key.id}` |")
    return "\n".join(rows)


def page(name: str) -> str:
    """A page's text."""
    return (DOCS / name).read_text("utf-8")


def test_every_key_is_on_the_page() -> None:
    told = page("dashboard.md")
    begin, end = "<!-- from the code: keys -->", "<!-- from the code: end of keys -->"
    table = told.partition(begin)[2].partition(end)[0].strip()
    assert table == keys_table(), f"docs/dashboard.md is stale; its table must be:\n{keys_table()}"


@pytest.mark.parametrize("name", ["passed", "failed", "crashed", "flaky", "skipped", "running", "pending"])
def test_every_sign_is_on_the_page(name: str) -> None:
    usual, plain = (Paint(False, ascii_only).glyph(name) for ascii_only in (False, True))
    assert f"| `{usual}` | `{plain}` | " in page("dashboard.md")


def test_the_example_gives_keys_to_actions_that_are_there() -> None:
    import tomllib

    block = page("dashboard.md").partition("```toml\n")[2].partition("```")[0]
    given = tomllib.loads(block)["tool"]["itdash"]["keys"]
    assert keymap.remapped(given) == given


def test_every_theme_and_every_colour_is_on_the_page(tmp_path: Path) -> None:
    told = page("themes.md")
    for name, look in themes.load(tmp_path)[0].items():
        assert f"| `{name}` | {look.about} |" in told
    for name in (*theme_file.COLORS, *theme_file.ROLES, *theme_file.OPTIONAL):
        assert f"`{name}`" in told, name


def test_the_example_of_a_theme_says_what_is_wrong_with_it_until_it_is_whole(tmp_path: Path) -> None:
    example = page("themes.md").partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "mine.yaml"
    file.write_text(example)
    assert theme_file.read(file).name == "mine"
