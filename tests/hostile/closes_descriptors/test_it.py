"""A test closes every descriptor from 3 up."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    os.closerange(3, 1024)


def test_c_after():
    assert 2 + 2 == 4
