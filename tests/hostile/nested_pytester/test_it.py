"""A test runs another pytest in its own process."""


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(pytester):
    pytester.makepyfile(test_inner="def test_inner_passes(): pass\ndef test_inner_fails(): assert 0")
    pytester.runpytest_inprocess().assert_outcomes(passed=1, failed=1)


def test_c_after():
    assert 2 + 2 == 4
