"""A test waits for ever."""

import time


def wait_for_ever():
    while True:
        time.sleep(0.05)


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    wait_for_ever()


def test_c_after():
    assert 2 + 2 == 4
