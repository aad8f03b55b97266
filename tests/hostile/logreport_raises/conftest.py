"""A hook that raises when the call of one test is reported."""


def pytest_runtest_logreport(report):
    if "test_b_fault" in report.nodeid and report.when == "call":
        raise RuntimeError("logreport is broken")
