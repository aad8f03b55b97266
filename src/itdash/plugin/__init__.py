"""The part of itdash that lives inside pytest; without a run of itdash it only knows the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one value that plain pytest knows."""
    parser.addini(
        "itdash_too_few",
        "what becomes of a test whose budget has too few samples: warn or fail",
        default="warn",
    )


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
