"""An assertion message of ten megabytes."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    half = "m" * 5_000_000
    raise AssertionError(half + "needle-in-the-message" + half)


def test_c_after():
    assert 2 + 2 == 4
