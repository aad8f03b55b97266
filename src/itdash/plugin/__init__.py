"""The part of itdash that lives inside pytest; without a run of itdash it only knows the marks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any


def pytest_addoption(parser: pytest.Parser) -> None:
    """The values that plain pytest knows."""
    parser.addini(
        "itdash_too_few",
        "what becomes of a test whose budget has too few samples: warn or fail",
        default="warn",
    )
    from itdash.plugin.watching import add_key

    add_key(parser)
    if {"ITDASH_PROBE", "PYTEST_XDIST_WORKER"} <= os.environ.keys():  # before it imports any conftest.py
        from itdash.plugin.bytecode import guard

        guard()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, and start recording in a worker whose controller records.

    The main process of a run is handed its recorder.
    """
    from itdash.plugin import budgets, claims

    budgets.register(config)
    claims.register(config)
    given: Any = getattr(config, "workerinput", {}).get("itdash")
    if given:
        from itdash.plugin.recorder import attach

        attach(config, given)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Without a run of itdash, look for leaks where they are to fail a test."""
    if not session.config.pluginmanager.has_plugin("itdash-recorder"):
        from itdash.plugin.watching import watch

        watch(session.config, None)
