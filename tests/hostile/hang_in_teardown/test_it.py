"""A fixture waits for ever after the test has passed."""

import time

import pytest


def wait_for_ever():
    while True:
        time.sleep(0.05)


@pytest.fixture
def slow():
    yield
    wait_for_ever()


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(slow):
    assert slow is None


def test_c_after():
    assert 2 + 2 == 4
