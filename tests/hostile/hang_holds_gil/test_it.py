"""A test waits for a lock in C and keeps the interpreter lock meanwhile."""

import ctypes


def wait_for_ever():
    libc = ctypes.PyDLL(None)
    mutex = ctypes.create_string_buffer(256)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    wait_for_ever()


def test_c_after():
    assert 2 + 2 == 4
