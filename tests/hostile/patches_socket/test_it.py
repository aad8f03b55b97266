"""A test replaces socket.socket and does not put it back."""

import socket


def broken(*args, **kwargs):
    raise OSError("patched by a test")


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    socket.socket = socket.create_connection = broken


def test_c_after():
    assert 2 + 2 == 4
