"""`[tool.itdash]`, profiles, environment and flags made into one frozen `Config` that knows its origins."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from itdash.errors import ConfigError, nearest
from itdash.project import find

if TYPE_CHECKING:
    from pathlib import Path

LEAKS = ("warn", "fail", "off")
GROUP_KINDS = ("mark", "k", "path")
PREFIX = "ITDASH_"
_TABLES = ("suites", "keys")
_ALSO_READ = ("ITDASH_PROFILE", "ITDASH_PROBE")
_TYPO = 0.85
_LONGEST = 100_000_000  # seconds: three years, and still a number that fits as nanoseconds
_WORDS = {
    "int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false",
    "array": "a list", "object": "a table",
}  # fmt: skip
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_COMPLAINT = re.compile(r"Expected `(\w+)`(?: (>=|<=) (\S+))?(?:, got `(\w+)`)? - at `\$\.(.+)`")


def _key(about: str, *, flag: str = "", least: int | None = None, most: int | None = None) -> Meta:
    """What stands beside a key's type: its help, its flag on the command line, its bounds."""
    return Meta(description=about, ge=least, le=most, extra={"flag": flag})


class SuiteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One suite: where its tests are, and the groups that can be picked from it."""

    name: Annotated[str, _key("the name by which the suite is picked", flag="--suite")]
    paths: Annotated[tuple[str, ...], _key("its folders and files, from the project's folder on")]
    title: Annotated[str, _key("what is shown for it; its name unless told")] = ""
    groups: Annotated[
        dict[str, str],
        _key("names for parts of it: mark:EXPRESSION, k:EXPRESSION or path:FILE", flag="--group"),
    ] = {}
    budgets: Annotated[
        dict[str, tuple[str, ...]],
        _key("limits that its operations must keep, by the name of the operation: p95 < 250ms"),
    ] = {}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every value that steers a run."""

    suites: Annotated[tuple[SuiteConfig, ...], _key("the suites: name, title, paths, groups")] = ()
    directory: Annotated[str, _key("where runs are kept, below the project's folder")] = ".itdash"
    pytest_args: Annotated[tuple[str, ...], _key("arguments that pytest gets in every run")] = ()
    workers: Annotated[str, _key("number of pytest-xdist workers, or auto; empty for none", flag="-n")] = ""
    timeout: Annotated[
        float, _key("seconds that a test may take; 0 for no limit", flag="--timeout", least=0, most=_LONGEST)
    ] = 0.0
    retries: Annotated[int, _key("how often a failed test is tried again", flag="--retries", least=0)] = 0
    max_fail: Annotated[
        int, _key("stop after so many failures; 0 for no limit", flag="--max-fail", least=0)
    ] = 0
    max_crashes: Annotated[int, _key("how many processes may crash before the rest is given up", least=0)] = (
        10
    )
    grace: Annotated[
        float,
        _key("seconds that pytest has to end by itself when it is asked to stop", least=0, most=_LONGEST),
    ] = 10.0
    exit_grace: Annotated[
        float,
        _key("seconds that the process has to end after pytest's last word", least=0, most=_LONGEST),
    ] = 30.0
    require_coverage: Annotated[
        str, _key("the share of requirements that must be verified, such as 90%", flag="--require-coverage")
    ] = ""
    strict_requirements: Annotated[
        bool, _key("fail unless every requirement is verified", flag="--strict-requirements")
    ] = False
    leaks: Annotated[
        str,
        _key("what becomes of a test that leaves something behind: warn, fail, or off to not look for it"),
    ] = "warn"
    keep_runs: Annotated[int, _key("how many runs are kept", least=1)] = 100
    keep_bytes: Annotated[int, _key("how many bytes all kept runs may take", least=0)] = 1_000_000_000
    slowest: Annotated[int, _key("how many of the slowest tests are listed", least=0)] = 5
    failures_shown: Annotated[int, _key("how many failures are printed whole at the end", least=0)] = 50
    ascii: Annotated[bool, _key("use plain ASCII instead of glyphs", flag="--ascii")] = False
    theme: Annotated[str, _key("the theme of the dashboard", flag="--theme")] = "itdash-dark"
    keys: Annotated[dict[str, str], _key("other keys for actions of the dashboard, by their ids")] = {}


class Key(msgspec.Struct, frozen=True):
    """What there is to know about one key."""

    name: str
    type: Any
    default: Any
    help: str
    flag: str
    variable: str


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, the project's folder, where each value came from, and variables that say nothing."""

    config: Config
    root: Path
    origins: dict[str, str]
    file: str = ""
    unused: tuple[str, ...] = ()


@cache
def keys(struct: type[msgspec.Struct] = Config) -> dict[str, Key]:
    """Every key by its name, from the types."""
    hints = get_type_hints(struct, include_extras=True)
    found = {}
    for field in msgspec.structs.fields(struct):
        kind, about = hints[field.name].__origin__, hints[field.name].__metadata__[0]
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        variable = "" if struct is not Config or field.name in _TABLES else f"{PREFIX}{field.name.upper()}"
        flag = about.extra["flag"]
        found[field.name] = Key(field.name, kind, default, about.description, flag, variable)
    return found


def load(cwd: Path, flags: dict[str, Any], profile: str = "") -> Loaded:
    """Read all sources; flags win over environment, over profile, over file, over default."""
    root, file, table = find(cwd)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Config.__struct_fields__, "default")

    def take(source: dict[str, Any], origin: str) -> None:
        values.update(source)
        origins.update(dict.fromkeys(source, origin))

    profiles = _profiles(table.pop("profiles", {}), file)
    take(_checked(table, file), file)
    if name := profile or os.environ.get("ITDASH_PROFILE", "").strip():
        wanted_by = "--profile" if profile else "ITDASH_PROFILE"
        take(_chosen(profiles, name, file, wanted_by), _in_profile(file, name))
    given, unused = _from_environment()
    for key, text in given.items():
        origin = f"the variable {keys()[key].variable}"
        take(_checked({key: text}, origin), origin)
    for key, value in flags.items():
        if value is not None:
            origin = f"the flag {keys()[key].flag}"
            take(_checked({key: value}, origin), origin)
    config = Config(**values)
    _check_directory(config.directory, root, origins["directory"])
    return Loaded(config, root, origins, file, unused)


def _profiles(profiles: Any, file: str) -> dict[str, dict[str, Any]]:
    """All profiles, checked whether they are used now or not."""
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise ConfigError(
            "each profile must be a table", where=file, mend="write [tool.itdash.profiles.NAME]"
        )
    return {name: _checked(table, _in_profile(file, name)) for name, table in profiles.items()}


def _in_profile(file: str, name: str) -> str:
    return f"{file}, profile {name}"


def _chosen(profiles: dict[str, Any], name: str, file: str, wanted_by: str) -> dict[str, Any]:
    if name in profiles:
        return dict(profiles[name])
    mend = nearest(name, list(profiles)) if profiles else "declare it as [tool.itdash.profiles.NAME]"
    raise ConfigError(
        f"there is no profile {name!r}, which {wanted_by} names",
        where=file or "no configuration file",
        mend=mend,
    )


def _from_environment() -> tuple[dict[str, Any], tuple[str, ...]]:
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


def _checked(table: dict[str, Any], where: str) -> dict[str, Any]:
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
        more["budgets"] = {name: [told] if isinstance(told, str) else told for name, told in budgets.items()}
    return {**suite, **more}


def _wrong_value(complaint: str, table: dict[str, Any], where: str) -> ConfigError:
    """msgspec's complaint in plain words."""
    match = _COMPLAINT.search(complaint)
    if match is None:
        return ConfigError(complaint, where=where)
    wanted, bound, limit, got, place = match.groups()
    key = re.split(r"[.\[]", place, maxsplit=1)[0]
    found = _WORDS.get(got, got) if got and place != key else repr(table[key])
    must = f"at {'least' if bound == '>=' else 'most'} {float(limit):.0f}" if bound else _WORDS[wanted]
    return ConfigError(f"{place} must be {must}, not {found}", where=where, mend=f"{key}: {keys()[key].help}")


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


def _check_directory(directory: str, root: Path, where: str) -> None:
    """The run folder hides itself from git and deletes what is old in it: it must be a folder of its own."""
    place = os.path.normpath(root / directory)
    if "\0" in directory or os.path.commonpath([place, root]) == place:
        raise ConfigError(
            f"directory must be a folder of its own, not {directory!r}",
            where=where,
            mend="write .itdash, or the like",
        )
