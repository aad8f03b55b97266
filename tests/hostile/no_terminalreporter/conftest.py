"""A conftest that takes pytest's terminal reporter away."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.unregister(name="terminalreporter")
