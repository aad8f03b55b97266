"""unittest classes, with subtests that fail."""

import unittest


def test_a_before():
    assert 1 + 1 == 2


class TestUnit(unittest.TestCase):
    def test_passes(self):
        self.assertEqual(1, 1)

    def test_fails(self):
        self.assertEqual(1, 2)

    def test_subtests_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 3)

    def test_subtests_fail(self):
        for number in range(3):
            with self.subTest("named", number=number):
                self.assertNotEqual(number, 1)

    @unittest.skip("not today")
    def test_skipped(self):
        raise AssertionError

    @unittest.expectedFailure
    def test_expected_failure(self):
        raise AssertionError

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass


class TestBrokenClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("setUpClass is broken")

    def test_never_starts(self):
        raise AssertionError


def test_c_after():
    assert 2 + 2 == 4
