"""A test forbids its process to write files of more than 64 bytes."""

import resource


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def test_c_after():
    assert 2 + 2 == 4
