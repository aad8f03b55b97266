"""A test replaces os.write and os.fsync and does not put them back."""

import os


def broken(*args, **kwargs):
    raise OSError("patched by a test")


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    os.write = os.writev = os.fsync = broken


def test_c_after():
    assert 2 + 2 == 4
