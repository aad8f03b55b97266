"""A test raises KeyboardInterrupt by itself."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    raise KeyboardInterrupt


def test_c_after():
    assert 2 + 2 == 4
