"""Where themes are: the bundled ones, the user's and the project's, each a YAML file; and which one is on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from itdash.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.config import Loaded
    from itdash.views.tui.theme_file import Look

DEFAULT: Final = "itdash-dark"
TERMINAL: Final = "terminal"


def config_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's own folder."""
    return Path(environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "itdash"


def bundled() -> Path:
    """The themes that come with itdash: in the package once it is built, or beside the sources."""
    package = Path(__file__).parents[2]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parents[1] / "themes"


def files(root: Path) -> list[Path]:
    """Every file of a theme; of two with one name the later one counts.

    A project's own are below `.config`, as a user's are below the home: what lies in a folder `themes` of a
    project may be anything.
    """
    folders = (bundled(), config_home() / "themes", root / ".config" / "itdash" / "themes")
    return [
        file
        for folder in dict.fromkeys(folders)
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in (".yaml", ".yml")
    ]


def load(root: Path) -> tuple[dict[str, Look], list[str]]:
    """Every theme by its name, and what is wrong with those that cannot be used."""
    from itdash.views.tui.theme_file import read

    found: dict[str, Look] = {}
    wrong = []
    for file in files(root):
        try:
            found[file.stem] = read(file)
        except ConfigError as error:
            wrong.append(f"{error.where}: {error.what}; {error.mend}")
    return found, wrong


# -- which one is on --


def at_start(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> str:
    """The theme to begin with: the one that is named; without colours the terminal's; the one chosen last."""
    known = [file.stem for file in files(loaded.root)]
    origin = loaded.origins.get("theme", "default")
    if origin != "default":
        if loaded.config.theme not in known:
            what = f"there is no theme {loaded.config.theme!r}"
            raise ConfigError(what, where=origin, mend=nearest(loaded.config.theme, known))
        return loaded.config.theme
    if "NO_COLOR" in environment:
        return TERMINAL
    last = remembered()
    return last if last in known else DEFAULT


def remembered() -> str:
    """The theme that was chosen last, or nothing."""
    import tomllib

    try:
        theme = tomllib.loads(_memory().read_text("utf-8")).get("theme")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return theme if isinstance(theme, str) else ""


def remember(name: str) -> None:
    """Keep the choice for the next time."""
    from itdash.events.wire import encode_value

    file = _memory()
    text = f"# What was chosen in the dashboard.\ntheme = {encode_value(name).decode()}\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(text, "utf-8")
        draft.replace(file)
    except OSError as error:
        what = f"the choice cannot be kept: {error.strerror or error}"
        raise ConfigError(what, where=str(file), mend='name it as theme = "..." in [tool.itdash]') from None


def _memory() -> Path:
    return config_home() / "state.toml"
