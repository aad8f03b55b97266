"""Whether leaks are looked for: as itdash hands on, or as pytest's own file or `[tool.itdash]` says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from itdash.plugin.leftovers import Journal

_KEY: Final = "itdash_leaks"
_WORDS: Final = ("off", "warn", "fail")
_NAME: Final = "itdash-leaks"


def add_key(parser: pytest.Parser) -> None:
    """The key by which itdash hands its configuration on; also where it is the only part of itdash here."""
    if _KEY not in getattr(parser, "_inidict", {}):
        parser.addini(
            _KEY, "what becomes of a test that leaves something behind: warn, fail or off", default=""
        )


def watch(config: pytest.Config, journal: Journal | None) -> None:
    """Look at each test; without a journal only where a leak is to fail it."""
    of_pytest = str(config.getini(_KEY)).strip()
    word = (of_pytest if journal or _is_overridden(config) else _configured(config) or of_pytest) or "warn"
    if word not in _WORDS:
        raise pytest.UsageError(f"{_KEY} must be warn, fail or off, not {word!r}")
    if word == "off" or (word == "warn" and journal is None) or config.pluginmanager.has_plugin(_NAME):
        return
    from itdash.plugin.leaks import LeakWatch

    try:
        config.pluginmanager.register(LeakWatch(word == "fail", journal), _NAME)
    except OSError:
        pass  # without /proc there is nothing to look at


def _is_overridden(config: pytest.Config) -> bool:
    """Whether the key was told by `-o`, which wins over every file."""
    return any(told.startswith(f"{_KEY}=") for told in config.getoption("override_ini", None) or ())


def _configured(config: pytest.Config) -> str:
    """What the project's own configuration says; most projects have none, or say nothing of it."""
    from itdash.errors import ItdashError
    from itdash.project import find

    variable = os.environ.get("ITDASH_LEAKS", "").strip()
    try:
        table = find(config.rootpath)[2]
    except ItdashError:
        return ""  # itdash itself will tell what is wrong there
    if not (variable or "leaks" in str(table)):
        return ""
    from itdash.config import load

    try:
        loaded = load(config.rootpath, {})
    except ItdashError as error:
        raise pytest.UsageError("\n".join(error.lines())) from None
    return "" if loaded.origins["leaks"] == "default" else loaded.config.leaks
