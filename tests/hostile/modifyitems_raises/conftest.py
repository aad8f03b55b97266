"""A hook that raises when the tests have been collected."""


def pytest_collection_modifyitems():
    raise RuntimeError("modifyitems is broken")
