"""A test replaces the clocks and does not put them back."""

import time


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    time.time = time.monotonic = time.perf_counter = lambda: -1e9
    time.time_ns = time.monotonic_ns = time.perf_counter_ns = lambda: "never"


def test_c_after():
    assert 2 + 2 == 4
