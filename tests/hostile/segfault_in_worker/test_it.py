"""A test reads address zero inside an xdist worker."""

import ctypes


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    ctypes.string_at(0)


def test_c_after():
    assert 2 + 2 == 4
