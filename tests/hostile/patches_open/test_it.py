"""A test replaces open and does not put it back."""

import builtins
import io


def broken(*args, **kwargs):
    raise OSError("patched by a test")


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    builtins.open = io.open = broken


def test_c_after():
    assert 2 + 2 == 4
