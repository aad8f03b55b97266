"""A hook that replaces the exit status after everybody has been told another."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 77
