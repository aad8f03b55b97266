"""The values of one source made into those of their types, or refused in words."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from itdash.config.model import Config, SuiteConfig, WatchConfig, keys
from itdash.errors import ConfigError, nearest

LEAKS = ("warn", "fail", "off")
ON_SAVE, NOTIFY = ("restart", "queue"), ("off", "bell")
GROUP_KINDS = ("mark", "k", "path")
_LISTS = ("paths", "patterns", "ignore")
_WORDS = {
    "int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false",
    "array": "a list", "object": "a table",
}  # fmt: skip
_COMPLAINT = re.compile(r"Expected `(\w+)`(?: (>=|<=) (\S+))?(?:, got `(\w+)`)? - at `\$\.(.+)`")


def checked(table: dict[str, Any], where: str) -> dict[str, Any]:
    """The values of one source, each of its type."""
    known = list(Config.__struct_fields__)
    plain = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"unknown key {key!r}", where=where, mend=_mend_of_key(key, name, known))
        plain[name] = value
    if "suites" in plain:
        plain["suites"] = _suites(plain["suites"], where)
    if "watch" in plain:
        plain["watch"] = _watch(plain["watch"], where)
    if type(plain.get("workers")) is int:
        plain["workers"] = str(plain["workers"])
    try:
        config = msgspec.convert(plain, Config, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_value(str(error), plain, where) from None
    _check(config, where)
    return {name: getattr(config, name) for name in plain}


def _mend_of_key(key: str, name: str, known: list[str]) -> str:
    if key == "tool":
        return "in itdash.toml the keys stand at the top, without [tool.itdash]"
    if key == "profiles":
        return "a profile has no profiles of its own"
    return nearest(name, [*known, "profiles"])


def _watch(value: Any, where: str) -> WatchConfig:
    if not isinstance(value, dict):
        raise ConfigError("watch must be a table", where=where, mend="write [tool.itdash.watch]")
    plain = {key.replace("-", "_"): told for key, told in value.items()}
    known = keys(WatchConfig)
    for key in plain:
        if key not in known:
            raise ConfigError(f"unknown key {key!r} in watch", where=where, mend=nearest(key, list(known)))
    plain.update((key, [told]) for key, told in plain.items() if key in _LISTS and isinstance(told, str))
    try:
        made = msgspec.convert(plain, WatchConfig, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_value(str(error), plain, where, WatchConfig) from None
    for key, words in (("on_save", ON_SAVE), ("notify", NOTIFY)):
        if (word := getattr(made, key)) not in words:
            raise ConfigError(f"{key} must be {' or '.join(words)}, not {word!r}", where=where)
    return made


def _suites(value: Any, where: str) -> list[dict[str, Any]]:
    """Suites may be a list of tables, or a table of tables named by the suite."""
    how = "write [tool.itdash.suites.NAME]"
    named = value.items() if isinstance(value, dict) else ()
    listed = [{"name": name, **suite} if isinstance(suite, dict) else suite for name, suite in named] or value
    if not isinstance(listed, (list, dict)) or not all(isinstance(suite, dict) for suite in listed):
        raise ConfigError("each suite must be a table", where=where, mend=how)
    for name, suite in named:
        if "name" in suite:
            mend = "use title for what is shown"
            raise ConfigError(f"suite {name!r} has its name in its heading already", where=where, mend=mend)
    return [_suite(suite, where) for suite in listed]


def _suite(suite: dict[str, Any], where: str) -> dict[str, Any]:
    known = list(SuiteConfig.__struct_fields__)
    name = suite.get("name")
    for key in suite:
        if key not in known:
            raise ConfigError(f"unknown key {key!r} in suite {name!r}", where=where, mend=nearest(key, known))
    if not name:
        raise ConfigError("a suite has no name", where=where, mend='add name = "..."')
    paths = suite.get("paths")
    more: dict[str, Any] = {"paths": [paths] if isinstance(paths, str) else paths or []}
    if isinstance(budgets := suite.get("budgets"), dict):
        more["budgets"] = {key: _budgets(key, told, name, where) for key, told in budgets.items()}
    return {**suite, **more}


def _budgets(operation: str, told: Any, suite: str, where: str) -> list[str]:
    """The budgets of one operation, of which one may stand alone."""
    texts = told if isinstance(told, list) else [told]
    for text in texts:
        if not isinstance(text, str):
            what = f"a budget of {operation!r} in suite {suite!r} must be a text, not {text!r}"
            raise ConfigError(what, where=where, mend=f'write {operation} = ["p95 < 250ms"]')
    return texts


def _wrong_value(
    complaint: str, table: dict[str, Any], where: str, struct: type[msgspec.Struct] = Config
) -> ConfigError:
    """msgspec's complaint in plain words."""
    match = _COMPLAINT.search(complaint)
    if match is None:
        return ConfigError(complaint, where=where)
    wanted, bound, limit, got, place = match.groups()
    key = re.split(r"[.\[]", place, maxsplit=1)[0]
    found = _WORDS.get(got, got) if got and place != key else repr(table[key])
    must = f"at {'least' if bound == '>=' else 'most'} {float(limit):.0f}" if bound else _WORDS[wanted]
    return ConfigError(
        f"{place} must be {must}, not {found}", where=where, mend=f"{key}: {keys(struct)[key].help}"
    )


def _check(config: Config, where: str) -> None:
    """What the types cannot say."""
    workers = config.workers
    if workers not in ("", "auto", "logical") and not (workers.isascii() and workers.isdigit()):
        raise ConfigError(f"workers must be a number or auto, not {workers!r}", where=where)
    if config.leaks not in LEAKS:
        raise ConfigError(f"leaks must be {', '.join(LEAKS)}, not {config.leaks!r}", where=where)
    seen: set[str] = set()
    for suite in config.suites:
        named = f"suite {suite.name!r}"
        if suite.name in seen:
            raise ConfigError(f"two suites are named {suite.name!r}", where=where)
        seen.add(suite.name)
        if not suite.paths:
            raise ConfigError(f"{named} has no paths", where=where, mend='add paths = ["..."]')
        for path in suite.paths:
            if not path or "::" in path:
                mend = (
                    'name folders and files; a part of a file can be a group: groups = { NAME = "path:..." }'
                )
                raise ConfigError(f"{named} has the path {path!r}", where=where, mend=mend)
        for group, text in suite.groups.items():
            kind, _, expression = text.partition(":")
            if kind not in GROUP_KINDS or not expression.strip():
                mend = "write mark:EXPRESSION, k:EXPRESSION or path:FILE"
                raise ConfigError(f"group {group!r} of {named} is {text!r}", where=where, mend=mend)
