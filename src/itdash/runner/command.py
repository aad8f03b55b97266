"""From configuration and a request to pytest's arguments: pure, but for a look at what is there."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from itdash.errors import ConfigError, MissingPlugin, nearest
from itdash.orders import Group, Selection, Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itdash.config import Config, SuiteConfig


_PACKAGES = {
    "pytest": "pytest", "pytest_jsonreport": "pytest-json-report", "xdist": "pytest-xdist",
    "pytest_rerunfailures": "pytest-rerunfailures",
}  # fmt: skip


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked to run, beside what the configuration says.

    `done` are tests that have their result already, `first` files whose tests come first, and `imports`
    folders in which it is recorded what imports what.
    """

    paths: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keyword: str = ""
    mark: str = ""
    exit_first: bool = False
    only: frozenset[str] | None = None
    extra: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()
    first: tuple[tuple[str, ...], ...] = ()
    imports: tuple[str, ...] = ()
    shard: Shard | None = None


class Plan(msgspec.Struct, frozen=True):
    """What pytest will be told."""

    args: tuple[str, ...]
    selection: Selection
    max_fail: int = 0
    imports: tuple[str, ...] = ()


def plan(request: Request, config: Config, root: Path, cwd: Path, installed: Callable[[str], bool]) -> Plan:
    """Make pytest's arguments; `installed` tells whether a module can be imported."""
    _check_paths(config.suites, root)
    suites = _chosen_suites(request, config)
    groups: list[Group] = []
    if request.groups:
        groups, suites = _chosen_groups(request, suites, config.suites, root)
    elif request.suites and request.paths:
        groups = [Group("path", place, (place,)) for suite in suites for place in _below(suite, root)]
    # Paths come first: after an option that takes any number of words they would be eaten.
    args = [*_places(request, suites, root, cwd), *config.pytest_args]
    loaded = []
    if config.workers and config.workers != "0":
        _need(installed, "xdist", "-n")
        args += ["-n", config.workers]
        loaded.append("xdist")
    if config.retries:
        _need(installed, "pytest_rerunfailures", "--retries")
        args += ["--reruns", str(config.retries)]
        loaded.append("rerunfailures")
    for module in ("pytest", "pytest_jsonreport"):
        _need(installed, module)
    if request.keyword:
        args += ["-k", request.keyword]
    if request.mark:
        args += ["-m", request.mark]
    args += request.extra
    args += _loaded_by_name([*args, *os.environ.get("PYTEST_ADDOPTS", "").split()], loaded)
    max_fail = 1 if request.exit_first else config.max_fail
    chosen = Selection(
        groups=tuple(groups), only=request.only, done=request.done, first=request.first, shard=request.shard
    )
    return Plan(tuple(args), chosen, max_fail, request.imports)


def _loaded_by_name(options: list[str], plugins: Sequence[str]) -> list[str]:
    """What to add where pytest loads no plugin by itself: those of our own options, and us in workers.

    The main process is handed its recorder.
    """
    if not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") and "--disable-plugin-autoload" not in options:
        return []
    named = [word for before, word in pairwise(["", *options]) if before == "-p" or word.startswith("-p")]
    named.append(os.environ.get("PYTEST_PLUGINS", ""))
    names = [name for name in plugins if not any(name in word for word in named)]
    if any(option.startswith(("-n", "--numprocesses", "--dist", "--tx")) for option in options):
        names.append("itdash")
    return [word for name in names for word in ("-p", name)]


def _need(installed: Callable[[str], bool], module: str, option: str = "") -> None:
    if installed(module):
        return
    package = _PACKAGES[module]
    told = f"{option} needs {package}, which is" if option else f"{package} is"
    raise MissingPlugin(
        f"{told} not installed where itdash is",
        where=sys.prefix,
        mend=f"{sys.executable} -m pip install {package}",
    )


def _check_paths(suites: Sequence[SuiteConfig], root: Path) -> None:
    """A path belongs to one suite alone, or nobody could say to which its tests belong."""
    owners: dict[str, str] = {}
    for suite in suites:
        for place in _below(suite, root):
            owner = owners.setdefault(place, suite.name)
            if owner != suite.name:
                raise ConfigError(
                    f"suites {owner!r} and {suite.name!r} have the same path", where=place,
                    mend="leave it in one of them; parts of a suite can be groups",
                )  # fmt: skip


def _chosen_suites(request: Request, config: Config) -> tuple[SuiteConfig, ...]:
    by_name = {suite.name: suite for suite in config.suites}
    for name in request.suites:
        if name not in by_name:
            mend = nearest(name, list(by_name)) if by_name else "declare suites as [tool.itdash.suites.NAME]"
            raise ConfigError(f"there is no suite {name!r}", mend=mend)
    if request.suites:
        return tuple(by_name[name] for name in dict.fromkeys(request.suites))
    return config.suites


def _chosen_groups(
    request: Request, suites: Sequence[SuiteConfig], every: Sequence[SuiteConfig], root: Path
) -> tuple[list[Group], tuple[SuiteConfig, ...]]:
    """The groups, and those of the suites that have one of them."""
    known = sorted({name for suite in suites for name in suite.groups})
    for name in request.groups:
        if name not in known:
            elsewhere = [suite.name for suite in every if name in suite.groups]
            mend = nearest(name, known) if known else 'declare groups = { name = "mark:..." } in a suite'
            if elsewhere:
                mend = f"it belongs to suite {elsewhere[0]!r}"
            raise ConfigError(f"there is no group {name!r}", where=_of(request.suites), mend=mend)
    used = tuple(suite for suite in suites if any(name in suite.groups for name in request.groups))
    wanted = dict.fromkeys(request.groups)
    return [_group(suite, name, root) for suite in used for name in wanted if name in suite.groups], used


def _of(suites: Sequence[str]) -> str:
    return f"suite {', '.join(suites)}" if suites else ""


def _group(suite: SuiteConfig, name: str, root: Path) -> Group:
    kind, _, expression = suite.groups[name].partition(":")
    below = _below(suite, root)
    named = f"group {name!r} of suite {suite.name!r}"
    if kind != "path":
        return Group(kind, expression.strip(), below, named)
    file, _, inside = expression.strip().partition("::")
    bases = [place if os.path.isdir(place) else os.path.dirname(place) for place in below]
    tried = [os.path.normpath(os.path.join(base, file)) for base in (*bases, str(root))]
    found = next((path for path in tried if os.path.exists(path)), None)
    if found is None:
        raise ConfigError(f"{named}: there is no {file}", where=" or ".join(dict.fromkeys(tried)))
    if not any(os.path.commonpath([found, place]) in (place, found) for place in below):
        raise ConfigError(f"{named}: {file} is in none of the suite's paths", where=found)
    return Group(kind, f"{found}::{inside}" if inside else found, below, named)


def _below(suite: SuiteConfig, root: Path) -> tuple[str, ...]:
    return tuple(os.path.normpath(root / path) for path in suite.paths)


def _places(request: Request, suites: Sequence[SuiteConfig], root: Path, cwd: Path) -> list[str]:
    """Where pytest looks: always the same for the same suites, so that ids stay what they are."""
    if request.paths:
        return list(request.paths)
    for suite in suites:
        for place in _below(suite, root):
            if not os.path.exists(place):
                mend = f"correct paths of suite {suite.name!r}, or make that folder"
                raise ConfigError(
                    f"suite {suite.name!r} has a path that is not there", where=place, mend=mend
                )
    every = dict.fromkeys(place for suite in suites for place in _below(suite, root))
    return [os.path.relpath(place, cwd) for place in every]
