"""Themes: that each can be read by every eye, that mistakes are told, and the choice of one."""

from __future__ import annotations

import math
import os
import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from recorded import dashboard, recorded, settled, text

from itdash.config import Config, Loaded
from itdash.errors import ConfigError
from itdash.views.tui import theme_file, themes
from itdash.views.tui.palette import VARIABLES, Palette
from itdash.views.tui.screens.themes import Themes

if TYPE_CHECKING:
    from collections.abc import Sequence

BUNDLED = sorted(file.stem for file in themes.bundled().iterdir())
COLOURED = [name for name in BUNDLED if name != themes.TERMINAL]
TEXTS = (
    "foreground", "primary", "accent", "chart-peak", "match",
    *(role for role in theme_file.ROLES if role.startswith(("text-", "status-", "budget-"))),
)  # fmt: skip
SHAPES = ("chart", "chart-limit", "frame-focused")
GROUNDS = ("background", "surface", "panel")

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

# sRGB primaries seen from D65 (IEC 61966-2-1), and linear RGB as stimulation of the three cones with the
# planes on which a dichromat's colours lie, after Viénot, Brettel and Mollon (1999).
XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041),
)  # fmt: skip
WHITE = (0.95047, 1.0, 1.08883)
CONES: Matrix = (
    (17.8824, 43.5161, 4.11935), (3.45565, 27.1554, 3.86714), (0.0299566, 0.184309, 1.46709),
)  # fmt: skip
EYES: dict[str, Matrix] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0, 2.02344, -2.52581), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": ((1, 0, 0), (0.494207, 0, 1.24827), (0, 0, 1)),
}
APART = 20
"""In CIE 1976 delta E, of which about 2.3 are just noticed side by side; signs of one character need more."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a past."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path / "home" / "itdash"


def colours(name: str) -> dict[str, str]:
    """Every colour of a bundled theme by its name."""
    look = theme_file.read(themes.bundled() / f"{name}.yaml")
    return look.variables | {key: getattr(look, key) for key in theme_file.COLORS}


def linear(colour: str) -> Triple:
    """A colour as amounts of light."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def times(matrix: Sequence[Triple], vector: Triple) -> Triple:
    """A matrix applied."""
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def inverse(matrix: Matrix) -> Matrix:
    """What takes back what a matrix does."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return (
        ((e * i - f * h) / whole, (c * h - b * i) / whole, (b * f - c * e) / whole),
        ((f * g - d * i) / whole, (a * i - c * g) / whole, (c * d - a * f) / whole),
        ((d * h - e * g) / whole, (b * g - a * h) / whole, (a * e - b * d) / whole),
    )


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    darker, lighter = sorted(times(XYZ, linear(colour))[1] for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def seen(colour: str, eye: str) -> Triple:
    """A colour as these eyes see it, in CIE L*a*b*."""
    light = times(inverse(CONES), times(EYES[eye], times(CONES, linear(colour))))
    red, green, blue = (min(1.0, max(0.0, part)) for part in light)
    x, y, z = (
        part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in (a / b for a, b in zip(times(XYZ, (red, green, blue)), WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


# -- what is bundled --


def test_the_arithmetic() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert math.dist(seen("#ffffff", "all cones"), (100, 0, 0)) < 0.1
    red, green = (seen(colour, "deuteranopia") for colour in ("#a06000", "#6f7400"))
    assert (
        math.dist(red, green) < APART < math.dist(seen("#a06000", "all cones"), seen("#6f7400", "all cones"))
    )


def test_the_bundled_ones_are_there() -> None:
    known, wrong = themes.load(Path("/nowhere"))
    assert not wrong
    assert set(known) == set(BUNDLED) >= {
        "itdash-dark", "itdash-light", "high-contrast", "colour-blind-safe", "terminal", "blueprint",
    }  # fmt: skip
    assert all(look.about for look in known.values())


@pytest.mark.parametrize("name", COLOURED)
def test_every_text_can_be_read_on_every_ground(name: str) -> None:
    least = 7.0 if name == "high-contrast" else 4.5
    chosen = colours(name)
    pairs = [(role, ground) for role in TEXTS for ground in GROUNDS]
    if "cursor-text" in chosen:
        pairs.append(("cursor-text", "cursor"))
    else:
        pairs += [(role, "cursor") for role in TEXTS]
    poor = {pair: contrast(chosen[pair[0]], chosen[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in poor.items() if ratio < least}


@pytest.mark.parametrize("name", COLOURED)
def test_what_is_drawn_with_a_meaning_is_seen(name: str) -> None:
    chosen = colours(name)
    assert not [
        (role, ground) for role in SHAPES for ground in GROUNDS if contrast(chosen[role], chosen[ground]) < 3
    ]
    assert contrast(chosen["frame"], chosen["frame-focused"]) > 1.5
    assert contrast(chosen["cursor"], chosen["background"]) > 1.2


@pytest.mark.parametrize("eye", EYES)
def test_statuses_stay_apart_without_red_or_green_cones(eye: str) -> None:
    chosen = colours("colour-blind-safe")
    told = ("passed", "failed", "crashed", "flaky", "running", "pending")
    near = {
        (one, other): math.dist(seen(chosen[f"status-{one}"], eye), seen(chosen[f"status-{other}"], eye))
        for one, other in combinations(told, 2)
    }
    assert not {pair: distance for pair, distance in near.items() if distance < APART}
    budgets = [seen(chosen[f"budget-{word}"], eye) for word in ("kept", "near", "broken")]
    assert all(math.dist(one, other) >= APART for one, other in combinations(budgets, 2))


def test_the_terminals_theme_names_no_colour_of_its_own() -> None:
    look = theme_file.read(themes.bundled() / "terminal.yaml")
    chosen = colours("terminal")
    named = {chosen[name] for name in (*theme_file.COLORS, *theme_file.ROLES)}
    assert look.ansi
    # Black, white and blue vanish on one ground or another.
    assert named <= {
        f"ansi_{word}" for word in ("default", "red", "green", "yellow", "cyan", "magenta", "bright_black")
    }
    palette = Palette(chosen)
    assert palette.cursor.reverse
    assert palette.over("failed").color is None
    assert palette["dim"].dim


def test_every_role_has_a_colour_in_every_theme() -> None:
    for name in BUNDLED:
        chosen = colours(name)
        assert set(VARIABLES.values()) <= set(chosen)


def test_without_colours_shapes_are_left() -> None:
    palette = Palette(colours("itdash-dark"), colourless=True)
    assert all(palette[role].color is None for role in VARIABLES)
    assert palette["failed"].bold
    assert not palette["passed"].bold
    assert palette.cursor.reverse
    assert palette.cursor_blurred.underline


# -- one's own --


def written(folder: Path, name: str, change: tuple[str, str] = ("", "")) -> Path:
    """A copy of the first theme with a change in it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    given = (themes.bundled() / f"{themes.DEFAULT}.yaml").read_text("utf-8")
    assert change[0] in given
    file.write_text(given.replace(*change, 1), "utf-8")
    return file


def test_own_themes_of_the_user_and_of_the_project(home: Path, tmp_path: Path) -> None:
    written(home / "themes", "mine.yaml")
    written(home / "themes", "itdash-light.yml", ('about: "', 'about: "mine, '))
    written(tmp_path / ".config/itdash/themes", "ours.yaml")
    known, wrong = themes.load(tmp_path)
    assert not wrong
    assert {"mine", "ours"} <= set(known)
    assert known["itdash-light"].about.startswith("mine, ")


def test_a_folder_of_the_project_that_is_named_themes_is_its_own_affair(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "site.yaml").write_text("layout: wide\n")
    known, wrong = themes.load(tmp_path)
    assert set(known) == set(BUNDLED)
    assert not wrong


MISTAKES = {
    "a name that is unknown": (("  chart:", "  charts:"), r":\d+: unknown name 'charts' in roles; .*'chart'"),
    "a table that is unknown": (("about:", "title:"), r":2: unknown name 'title'"),
    "a colour that is missing": (('  warning: "#e3bd74"\n', ""), r":\d+: colors has no warning"),
    "no colour": (('"#86bfff"', '"blu"'), r":\d+: roles.status-running is 'blu', which is no colour"),
    "a colour without quotes": (('"#86bfff"', "#86bfff"), r":\d+: roles.status-running is empty; .*quotes"),
    "a colour that one can see through": (('"#86bfff"', '"#86bfff80"'), r"through which the ground is seen"),
    "a colour of the terminal": (('"#86bfff"', "ansi_cyan"), r"a colour of the terminal; .*terminal: true"),
    "a name that stands there twice": (("  match:", "  chart:"), r":\d+: 'chart' stands there twice"),
    "a flag that is none": (("dark: true", "dark: night"), r":3: dark is 'night'; write true or false"),
    "broken YAML": (("colors:", "colors: ["), r":\d+: this file is not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake: str, home: Path) -> None:
    change, told = MISTAKES[mistake]
    file = written(home / "themes", "mine.yaml", change)
    known, wrong = themes.load(Path("/nowhere"))
    assert "mine" not in known
    assert set(known) == set(BUNDLED)
    assert len(wrong) == 1
    assert wrong[0].startswith(str(file))
    assert re.search(told, wrong[0]), wrong[0]


def test_the_line_is_that_of_the_mistake(home: Path) -> None:
    file = written(home / "themes", "mine.yaml", ('"#86bfff"', '"blu"'))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if 'blu"' in text)
    with pytest.raises(ConfigError) as told:
        theme_file.read(file)
    assert told.value.where == f"{file}:{line}"


@pytest.mark.parametrize(
    "content", [b"", b"- a\n- b\n", b"\xff\xfe", b"colors: 3\n", b"colors: {primary: [1]}\n"]
)
def test_what_is_no_theme_at_all_is_told(content: bytes, home: Path) -> None:
    (home / "themes").mkdir(parents=True)
    (home / "themes" / "mine.yaml").write_bytes(content)
    known, wrong = themes.load(Path("/nowhere"))
    assert len(wrong) == 1
    assert set(known) == set(BUNDLED)


# -- which one is on --


def loaded(theme: str = themes.DEFAULT, origin: str = "default", root: Path = Path("/nowhere")) -> Loaded:
    """A configuration that names a theme, or does not."""
    return Loaded(Config(theme=theme), root, {"theme": origin})


def test_the_choice_is_used_the_next_time_unless_another_is_named(home: Path) -> None:
    assert themes.at_start(loaded(), {}) == themes.DEFAULT
    themes.remember("blueprint")
    assert themes.at_start(loaded(), {}) == "blueprint"
    assert themes.at_start(loaded("high-contrast", "the flag --theme"), {}) == "high-contrast"
    assert themes.at_start(loaded(), {"NO_COLOR": "1"}) == themes.TERMINAL
    assert [file.name for file in home.iterdir()] == ["state.toml"]


@pytest.mark.parametrize("content", ["theme = 3", "theme = ", 'theme = "gone"', "\0"])
def test_a_choice_that_means_nothing_is_passed_over(content: str, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "state.toml").write_text(content)
    assert themes.at_start(loaded(), {}) == themes.DEFAULT


def test_a_theme_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError) as told:
        themes.at_start(loaded("blueprnt", "the flag --theme"), {})
    assert told.value.lines()[1:] == ["  where: the flag --theme", "  mend:  did you mean 'blueprint'?"]


def test_a_home_that_cannot_be_written_is_told(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("a file in the place of the folder")
    with pytest.raises(ConfigError, match="cannot be kept"):
        themes.remember("blueprint")


@pytest.mark.asyncio
@pytest.mark.parametrize("keep", [True, False])
async def test_the_picker_shows_each_theme_and_keeps_or_forgets_it(keep: bool, tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path, (100, 30)) as (pilot, _):
        looks = themes.load(tmp_path)[0]
        former = pilot.app.theme
        pilot.app.push_screen(Themes(list(looks.values()), former))
        await settled(pilot)
        await pilot.press("g")
        await settled(pilot)
        assert pilot.app.theme == next(iter(looks)) != former
        await pilot.press("down")
        await settled(pilot)
        chosen = pilot.app.theme
        assert chosen == list(looks)[1]
        assert looks[chosen].about.split()[0] in await text(pilot)
        await pilot.press("enter" if keep else "escape")
        await settled(pilot)
        assert pilot.app.theme == (chosen if keep else former)
        assert themes.remembered() == (chosen if keep else "")
        assert not isinstance(pilot.app.screen, Themes)
    assert "state.toml" not in os.listdir(tmp_path)


@pytest.mark.asyncio
async def test_every_status_is_told_by_its_sign_too(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path, (140, 44)) as (pilot, _):
        shown = await text(pilot)
    rows = [line.split("│")[1] for line in shown.splitlines() if "│" in line]
    signs = {sign for row in rows for sign in "✓✗☠~-" if re.match(rf"[\s▾▸]*{re.escape(sign)} \w", row)}
    assert {"✓", "✗", "-"} <= signs
