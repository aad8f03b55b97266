"""From configuration and a request to pytest's arguments: pure, but for a look at what is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from itdash.errors import ConfigError, MissingPlugin, nearest
from itdash.orders import Group, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itdash.config import Config, SuiteConfig


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked to run, beside what the configuration says."""

    paths: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keyword: str = ""
    mark: str = ""
    exit_first: bool = False
    only: frozenset[str] | None = None
    extra: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What pytest will be told."""

    args: tuple[str, ...]
    selection: Selection
    max_fail: int = 0


def plan(request: Request, config: Config, root: Path, cwd: Path, installed: Callable[[str], bool]) -> Plan:
    """Make pytest's arguments; `installed` tells whether a module can be imported."""
    suites = _chosen_suites(request, config)
    groups: list[Group] = []
    if request.groups:
        groups, suites = _chosen_groups(request, suites, config.suites, root)
    elif request.suites and request.paths:
        groups = [Group("path", place, (place,)) for suite in suites for place in _below(suite, root)]
    # Paths come first: after an option that takes any number of words they would be eaten.
    args = [*_places(request, suites, root, cwd), *config.pytest_args]
    if config.workers and config.workers != "0":
        _need(installed, "xdist", "pytest-xdist", "-n", "itdash[xdist]")
        args += ["-n", config.workers]
    if config.retries:
        _need(installed, "pytest_rerunfailures", "pytest-rerunfailures", "--retries", "itdash[retries]")
        args += ["--reruns", str(config.retries)]
    if request.keyword:
        args += ["-k", request.keyword]
    if request.mark:
        args += ["-m", request.mark]
    args += request.extra
    if _workers_need_our_name([*args, *os.environ.get("PYTEST_ADDOPTS", "").split()]):
        args += ["-p", "itdash"]
    max_fail = 1 if request.exit_first else config.max_fail
    return Plan(tuple(args), Selection(groups=tuple(groups), only=request.only), max_fail)


def _workers_need_our_name(options: list[str]) -> bool:
    """Whether workers start that load no plugin by themselves; the main process is handed its recorder."""
    if not any(option.startswith(("-n", "--numprocesses", "--dist", "--tx")) for option in options):
        return False
    return bool(os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")) or "--disable-plugin-autoload" in options


def _need(installed: Callable[[str], bool], module: str, plugin: str, option: str, extra: str) -> None:
    if not installed(module):
        raise MissingPlugin(f"{option} needs {plugin}, which is not installed", mend=f"pip install '{extra}'")


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
    if kind != "path":
        return Group(kind, expression.strip(), below)
    file, _, inside = expression.strip().partition("::")
    bases = [place if os.path.isdir(place) else os.path.dirname(place) for place in below]
    tried = [os.path.normpath(os.path.join(base, file)) for base in (*bases, str(root))]
    found = next((path for path in tried if os.path.exists(path)), None)
    named = f"group {name!r} of suite {suite.name!r}"
    if found is None:
        raise ConfigError(f"{named}: there is no {file}", where=" or ".join(dict.fromkeys(tried)))
    if not any(os.path.commonpath([found, place]) in (place, found) for place in below):
        raise ConfigError(f"{named}: {file} is in none of the suite's paths", where=found)
    return Group(kind, f"{found}::{inside}" if inside else found, below)


def _below(suite: SuiteConfig, root: Path) -> tuple[str, ...]:
    return tuple(os.path.normpath(root / path) for path in suite.paths)


def _places(request: Request, suites: Sequence[SuiteConfig], root: Path, cwd: Path) -> list[str]:
    """Where pytest looks: always the same for the same suites, so that ids stay what they are."""
    if request.paths:
        return list(request.paths)
    return [os.path.relpath(place, cwd) for place in dict.fromkeys(_all_below(suites, root))]


def _all_below(suites: Sequence[SuiteConfig], root: Path) -> list[str]:
    return [place for suite in suites for place in _below(suite, root)]
