"""Fifty megabytes of captured output, then a failure."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    half = ("o" * 99 + "\n") * 250_000
    print(half + "needle-in-the-output\n" + half)
    raise AssertionError


def test_c_after():
    assert 2 + 2 == 4
