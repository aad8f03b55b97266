"""Ordinary tests: the fault is in another file."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    assert 3 > 2


def test_c_after():
    assert 2 + 2 == 4
