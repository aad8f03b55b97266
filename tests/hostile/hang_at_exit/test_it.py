"""A thread that is no daemon keeps the interpreter from ending."""

import threading


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    threading.Thread(target=threading.Event().wait, name="never ends").start()


def test_c_after():
    assert 2 + 2 == 4
