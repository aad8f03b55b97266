"""A test takes all memory that its limit gives and never lets go."""

import resource
from pathlib import Path


HELD = []


def address_space():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 64 * 2**20, hard))
    size = 2**20
    while size > 64:
        try:
            HELD.append(bytearray(size))
        except MemoryError:
            size //= 2
    raise MemoryError


def test_c_after():
    assert 2 + 2 == 4
