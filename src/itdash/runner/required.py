"""Which requirements a run is about, and what it must prove of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itdash.events.model import SuiteSpec
from itdash.requirements.find import Found, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itdash.config import Config
    from itdash.runner.command import Request
    from itdash.state.run import RunState


def specs(config: Config) -> tuple[SuiteSpec, ...]:
    """The declared suites as events tell them."""
    return tuple(SuiteSpec(suite.name, suite.title, suite.paths, suite.budgets) for suite in config.suites)


def required(request: Request, config: Config, root: Path, cwd: Path) -> Found:
    """The requirements of the suites that run, or of the folders; what is wrong with one is told now."""
    chosen = {
        suite.name
        for suite in config.suites
        if (not request.suites or suite.name in request.suites)
        and (not request.groups or not suite.groups.keys().isdisjoint(request.groups))
    }
    suites = [spec for spec in specs(config) if spec.name in chosen]
    places = [os.path.normpath(cwd / path.partition("::")[0]) for path in request.paths]
    elsewhere = not config.suites or bool(places and not (request.suites or request.groups))
    return load(suites, str(root), places or [str(cwd)], every=not places, elsewhere=elsewhere)


def gate(share: str, strict: bool, found: Found, root: Path) -> Callable[[RunState], str]:
    """Why a run that passed does not pass the gate; to be asked when it is over."""
    if not share and not strict:
        return lambda _: ""
    from itdash.requirements.entry import RequirementsError
    from itdash.requirements.share import parse
    from itdash.state.gate import Gate, broken

    asked = Gate(parse(share) if share else None, strict)
    if not any(part.rows for part in found.declared):
        raise RequirementsError(
            f"{'--require-coverage' if share else '--strict-requirements'} needs requirements, "
            "and none are declared for these tests",
            where=str(root),
            mend="write requirements.toml beside the tests: [[requirement]] with an id and a title",
        )
    return lambda state: broken(state, asked)
