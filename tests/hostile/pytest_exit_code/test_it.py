"""A test asks pytest to stop with a code of its own."""

import pytest


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    pytest.exit("enough", returncode=42)


def test_c_after():
    assert 2 + 2 == 4
