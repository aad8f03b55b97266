"""What a shell may complete: names of the project and its runs, and paths of its tests; never an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from itdash.config import Config, Loaded

VARIABLE: Final = "_ITDASH_COMPLETE"
"""The variable in which a shell's script says that it asks."""

_RUNS: Final = 30
_NOT_TESTS: Final = frozenset({"__pycache__", "node_modules", "build", "dist", "venv"})


def suites(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The suites that are declared."""
    del param
    return _starting([suite.name for suite in _config(ctx).suites], incomplete)


def groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The groups of the suites that were named before, or of all."""
    del param
    named = ctx.params.get("suites") or ()
    chosen = [suite for suite in _config(ctx).suites if not named or suite.name in named]
    return _starting([group for suite in chosen for group in suite.groups], incomplete)


def profiles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The profiles that are declared."""
    del ctx, param
    from itdash.errors import ItdashError
    from itdash.project import find

    try:
        told = find(Path.cwd())[2].get("profiles")
    except (ItdashError, OSError):
        return []
    return _starting(list(told) if isinstance(told, dict) else [], incomplete)


def themes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The themes of itdash, of the user and of the project."""
    del param
    from itdash.views.tui.themes import files

    loaded = _loaded(ctx)
    try:
        return _starting([file.stem for file in files(loaded.root if loaded else Path.cwd())], incomplete)
    except OSError:
        return []


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str] | list[CompletionItem]:
    """The newest runs that are recorded; where none begins like that, files."""
    words = ["latest"]
    if param.name == "base":
        words += ["previous", "green", "baseline"]
    if loaded := _loaded(ctx):
        from itertools import islice

        from itdash.history.places import every

        kept = every(loaded.root / loaded.config.directory)
        try:
            words += [folder.name for folder in islice(kept, _RUNS)]
        except OSError:
            pass
    if found := _starting(words, incomplete):
        return found
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def tests(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Folders and files of Python that begin like that; of a folder that is alone, what is in it as well."""
    del ctx, param
    folder, start = os.path.split(incomplete)
    found = _entries(folder, start)
    if len(found) == 1 and os.path.isdir(found[0]):
        found += _entries(found[0], "")
    return found


def _entries(folder: str, start: str) -> list[str]:
    try:
        with os.scandir(folder or os.curdir) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []
    return [
        os.path.join(folder, entry.name)
        for entry in entries
        if entry.name.startswith(start) and (start or not entry.name.startswith((".", "_"))) and _may(entry)
    ]


def _may(entry: os.DirEntry[str]) -> bool:
    """Whether tests can be there."""
    try:
        if entry.is_dir():
            return entry.name not in _NOT_TESTS and not entry.name.endswith(".egg-info")
    except OSError:
        return False
    return entry.name.endswith(".py") and entry.name not in ("conftest.py", "__init__.py", "setup.py")


def _starting(words: list[str], incomplete: str) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]


def _config(ctx: click.Context) -> Config:
    from itdash.config import Config

    loaded = _loaded(ctx)
    return loaded.config if loaded else Config()


def _loaded(ctx: click.Context) -> Loaded | None:
    """The configuration, where it can be read."""
    from itdash.config import load
    from itdash.errors import ItdashError

    try:
        return load(Path.cwd(), {}, ctx.params.get("profile") or "")
    except (ItdashError, OSError):
        return None
