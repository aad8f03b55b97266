"""A test ends the process as if all were well."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    os._exit(0)


def test_c_after():
    assert 2 + 2 == 4
