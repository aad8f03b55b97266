"""Reasons and labels that would command a terminal."""

import unittest
import warnings

import pytest
from conftest import HOSTILE


def test_a_before():
    assert 1 + 1 == 2


def test_skips():
    pytest.skip(HOSTILE)


def test_xfails():
    pytest.xfail(HOSTILE)


def test_warns():
    warnings.warn(HOSTILE, stacklevel=1)


class TestUnit(unittest.TestCase):
    def test_subtest(self):
        with self.subTest(HOSTILE, key=HOSTILE):
            self.fail(HOSTILE)


def test_b_fault():
    pytest.exit(HOSTILE + "enough")


def test_c_after():
    assert 2 + 2 == 4
