"""The variables of the environment that set a key, and those that say nothing."""

from __future__ import annotations

import os
from typing import Any

from itdash.config.model import PREFIX, keys
from itdash.errors import ConfigError

_ALSO_READ = ("ITDASH_PROFILE", "ITDASH_PROBE")
_TYPO = 0.85
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def from_environment() -> tuple[dict[str, Any], tuple[str, ...]]:
    """The texts of known variables by their key, and the names of variables that are none of ours.

    An empty variable counts as one that is not set. A name that is nearly right is a mistake; one that is
    like nothing here may belong to the tests.
    """
    found = {name: text.strip() for name, text in os.environ.items() if name.startswith(PREFIX)}
    named = {name: text for name, text in found.items() if text}
    given: dict[str, Any] = {}
    unused = []
    known = {key.variable: key for key in keys().values()} if named else {}
    for name, text in named.items():
        key = known.get(name)
        if key is not None:
            given[key.name] = _words_of(text, name) if key.name == "pytest_args" else text
            if key.type is bool:
                given[key.name] = _BOOLEANS.get(text.lower(), text.lower())
        elif name == f"{PREFIX}SUITES":
            raise ConfigError(
                "suites cannot be set by a variable", where=name, mend="declare them in the file"
            )
        elif name not in _ALSO_READ:
            _refuse_typo(name, list(known))
            unused.append(name)
    return given, tuple(sorted(unused))


def _refuse_typo(name: str, known: list[str]) -> None:
    from difflib import get_close_matches

    bare = [variable.removeprefix(PREFIX) for variable in known]
    close = get_close_matches(name.removeprefix(PREFIX), bare, 1, _TYPO)
    if close:
        raise ConfigError(f"unknown variable {name}", mend=f"did you mean {PREFIX}{close[0]}?")


def _words_of(text: str, variable: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(
            f"these arguments cannot be told apart: {error}", where=variable, mend="quote as in a shell"
        ) from None
