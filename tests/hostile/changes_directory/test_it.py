"""A test changes the working directory and stays there."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    os.chdir("/")


def test_c_after():
    assert 2 + 2 == 4
