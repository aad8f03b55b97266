"""Warnings at import, in collection, in tests, in threads and where nobody can catch them."""

import gc
import threading
import warnings

import pytest

warnings.warn("at import", UserWarning, stacklevel=1)


class Loud(UserWarning):
    def __str__(self):
        return "\x1b[31mloud\x1b[0m\x00\n" * 3


class TestWithConstructor:
    def __init__(self):
        pass


async def never_awaited():
    pass


class Unraisable:
    def __del__(self):
        raise ValueError("in __del__")


def test_a_before():
    assert 1 + 1 == 2


@pytest.fixture
def warns_twice():
    warnings.warn("in setup", DeprecationWarning, stacklevel=1)
    yield
    warnings.warn("in teardown", PendingDeprecationWarning, stacklevel=1)


def test_plain(warns_twice):
    for number in range(3):
        warnings.warn(f"number {number}", FutureWarning, stacklevel=1)
    warnings.warn(Loud("x"), stacklevel=1)
    warnings.warn_explicit("elsewhere", SyntaxWarning, "/no/such/file\x1b[2J.py", 10**9)


def test_coroutine():
    never_awaited()
    gc.collect()


def test_unraisable():
    Unraisable()
    gc.collect()


def test_thread():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()


@pytest.mark.no_such_mark
def test_c_after():
    assert 2 + 2 == 4
