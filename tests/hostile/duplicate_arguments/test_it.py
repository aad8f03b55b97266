"""The same file and the same test are named more than once."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    assert 3 > 2


def test_c_after():
    assert 2 + 2 == 4
