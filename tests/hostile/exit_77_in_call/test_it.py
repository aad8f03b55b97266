"""A test ends the process with a code of its own."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    os._exit(77)


def test_c_after():
    assert 2 + 2 == 4
