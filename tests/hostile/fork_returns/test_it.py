"""A test forks, and the child goes on into pytest."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0


def test_c_after():
    assert 2 + 2 == 4
