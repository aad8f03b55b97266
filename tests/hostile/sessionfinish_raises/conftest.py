"""A hook that raises when the session ends."""


def pytest_sessionfinish():
    raise RuntimeError("sessionfinish is broken")
