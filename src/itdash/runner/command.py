"""From configuration and a request to pytest's arguments: pure, but for a look at which plugins are there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from itdash.config import Config, SuiteConfig  # noqa: TC001
from itdash.errors import ConfigError, MissingPlugin, nearest
from itdash.orders import Group, Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_KINDS = ("mark", "k", "path")


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
    groups, suites = _chosen_groups(request, suites, root)
    args = [*config.pytest_args]
    if config.workers and config.workers != "0":
        _need(installed, "xdist", "-n", "itdash[xdist]")
        args += ["-n", config.workers]
    if config.retries:
        _need(installed, "pytest_rerunfailures", "--retries", "itdash[retries]")
        args += ["--reruns", str(config.retries)]
    if request.keyword:
        args += ["-k", request.keyword]
    if request.mark:
        args += ["-m", request.mark]
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") and config.workers:
        args += ["-p", "itdash.plugin"]
    args += request.extra
    args += _places(request, suites, root, cwd)
    max_fail = 1 if request.exit_first else config.max_fail
    return Plan(tuple(args), Selection(groups=tuple(groups), only=request.only), max_fail)


def _need(installed: Callable[[str], bool], module: str, option: str, extra: str) -> None:
    if not installed(module):
        raise MissingPlugin(
            f"{option} needs {module.replace('_', '-')}, which is not installed",
            mend=f"pip install '{extra}'",
        )


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
    request: Request, suites: tuple[SuiteConfig, ...], root: Path
) -> tuple[list[Group], tuple[SuiteConfig, ...]]:
    if not request.groups:
        return [], suites
    known = sorted({name for suite in suites for name in suite.groups})
    for name in request.groups:
        if name not in known:
            mend = nearest(name, known) if known else 'declare groups = { name = "mark:..." } in a suite'
            raise ConfigError(f"there is no group {name!r}", mend=mend)
    used = tuple(suite for suite in suites if any(name in suite.groups for name in request.groups))
    groups = [_group(suite, name, root) for suite in used for name in request.groups if name in suite.groups]
    return groups, used


def _group(suite: SuiteConfig, name: str, root: Path) -> Group:
    kind, _, expression = suite.groups[name].partition(":")
    if kind not in _KINDS or not expression.strip():
        raise ConfigError(
            f"group {name!r} of suite {suite.name!r} is {suite.groups[name]!r}",
            mend="write mark:EXPRESSION, k:EXPRESSION or path:FILE",
        )
    below = tuple(str(root / path) for path in suite.paths)
    if kind == "path":
        file, _, inside = expression.strip().partition("::")
        found = next(
            (root / path / file for path in suite.paths if (root / path / file).exists()), root / file
        )
        if not found.exists():
            raise ConfigError(f"group {name!r} of suite {suite.name!r}: there is no {file}", where=str(root))
        expression = f"{found}::{inside}" if inside else str(found)
    return Group(kind, expression, below)


def _places(request: Request, suites: tuple[SuiteConfig, ...], root: Path, cwd: Path) -> list[str]:
    if request.paths:
        return list(request.paths)
    if request.only is not None:
        return []
    return [_relative(root / path, cwd) for suite in suites for path in suite.paths]


def _relative(path: Path, cwd: Path) -> str:
    return os.path.relpath(path, cwd)
