"""A test asks pytest to stop."""

import pytest


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    pytest.exit("enough")


def test_c_after():
    assert 2 + 2 == 4
