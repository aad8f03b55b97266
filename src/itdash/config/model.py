"""Every key of the configuration as a type, with its help, its flag and its bounds."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "ITDASH_"
_TABLES = ("suites", "keys", "watch")
_LONGEST = 100_000_000  # seconds: three years, and still a number that fits as nanoseconds


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


class WatchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as a save, and what it does."""

    paths: Annotated[
        tuple[str, ...], _key("the folders and files that are watched; the project's folder unless told")
    ] = ()
    patterns: Annotated[
        tuple[str, ...], _key("only files that match one of these count, written as in .gitignore")
    ] = ()
    ignore: Annotated[
        tuple[str, ...], _key("files and folders that do not count, written as in .gitignore")
    ] = ()
    debounce: Annotated[float, _key("seconds without another save before tests run", least=0, most=60)] = 0.01
    on_save: Annotated[
        str, _key("what a save does to tests that run: restart them, or queue until they are over")
    ] = "restart"
    poll: Annotated[
        bool, _key("look at the files again and again, where the system does not tell of changes")
    ] = False
    notify: Annotated[
        str, _key("what happens when the verdict turns: off, or bell for the bell of the terminal")
    ] = "off"


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
    warm: Annotated[
        bool,
        _key("have later runs of a session begin with what earlier ones imported", flag="--no-warm"),
    ] = True
    keep_runs: Annotated[int, _key("how many runs are kept", least=1)] = 100
    keep_bytes: Annotated[int, _key("how many bytes all kept runs may take", least=0)] = 1_000_000_000
    keep_days: Annotated[int, _key("how many days a run is kept; 0 for no limit", least=0)] = 0
    slowest: Annotated[int, _key("how many of the slowest tests are listed", least=0)] = 5
    failures_shown: Annotated[int, _key("how many failures are printed whole at the end", least=0)] = 50
    ascii: Annotated[bool, _key("use plain ASCII instead of glyphs", flag="--ascii")] = False
    theme: Annotated[str, _key("the theme of the dashboard", flag="--theme")] = "itdash-dark"
    keys: Annotated[dict[str, str], _key("other keys for actions of the dashboard, by their ids")] = {}
    watch: Annotated[WatchConfig, _key("what a save does: paths, patterns, ignore and others")] = (
        WatchConfig()
    )


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
