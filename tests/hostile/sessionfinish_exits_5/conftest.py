"""A hook that ends the process when the session ends."""

import os


def pytest_sessionfinish():
    os._exit(5)
