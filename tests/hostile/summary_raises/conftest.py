"""A hook that raises while the summary is written."""


def pytest_terminal_summary():
    raise RuntimeError("summary is broken")
