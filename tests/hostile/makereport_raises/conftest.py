"""A hook that raises when the call of one test is turned into a report."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.name == "test_b_fault" and call.when == "call":
        raise RuntimeError("makereport is broken")
    return report
