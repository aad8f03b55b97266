"""The part of itdash that lives inside pytest; without a run of itdash it only knows the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start recording in a worker whose controller records; the main process is handed its recorder."""
    given: Any = getattr(config, "workerinput", {}).get("itdash")
    if given:
        from itdash.plugin.recorder import attach

        attach(config, given)
