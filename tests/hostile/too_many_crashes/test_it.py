"""More crashes than a run starts anew for."""

import os

import pytest


def test_a_before():
    assert 1 + 1 == 2


@pytest.mark.parametrize("number", range(20))
def test_b_fault(number):
    os._exit(number)


def test_c_after():
    assert 2 + 2 == 4
