"""A test asks for more memory than its limit gives, and leaves the limit behind."""

import resource
from pathlib import Path


def address_space():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 64 * 2**20, hard))
    bytearray(2**30)


def test_c_after():
    assert 2 + 2 == 4
