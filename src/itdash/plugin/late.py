"""Tells the stage that a test is in, where pytest-rerunfailures keeps reports until all stages are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itdash.events import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.plugin.channel import Channel


def is_needed(config: pytest.Config) -> bool:
    """Whether every test may be tried again; a test's own mark `flaky` is not looked for."""
    asked = [config.getoption(name, None) for name in ("reruns", "force_reruns")]
    try:
        asked.append(config.getini("reruns"))
    except ValueError:
        pass  # the plugin is not there
    return any(asked)


class StageRecorder:
    """Tells that a stage begins; `case` gives the number of a test."""

    def __init__(self, channel: Channel, case: Callable[[str], int]) -> None:
        self._emit, self._now, self._case = channel.emit, channel.now, case

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """The first stage; at another attempt the test was in its last before."""
        self._begin(item, "setup")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """The test's own code begins."""
        self._begin(item, "call")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Its fixtures end."""
        self._begin(item, "teardown")

    def _begin(self, item: pytest.Item, stage: model.Stage) -> None:
        self._emit(model.StageStarted(self._now(), self._case(item.nodeid), stage))
