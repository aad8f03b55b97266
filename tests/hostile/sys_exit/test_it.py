"""A test raises SystemExit."""

import sys


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    sys.exit(0)


def test_c_after():
    assert 2 + 2 == 4
