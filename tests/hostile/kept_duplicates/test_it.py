"""The same file is named twice, and pytest is told to run it twice."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    raise AssertionError


def test_c_after():
    assert 2 + 2 == 4
