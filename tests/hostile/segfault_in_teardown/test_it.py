"""A fixture reads address zero after the test has passed."""

import ctypes

import pytest


@pytest.fixture
def broken():
    yield
    ctypes.string_at(0)


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(broken):
    assert broken is None


def test_c_after():
    assert 2 + 2 == 4
