"""After a crash, tests must be picked out by ids that no command line likes."""

import os

import pytest

ODD = ["a::b", "two words", "[brackets]", "-k", "@file", "tab\tand\nline", "ümläut", "🙂", "x" * 20_000, "", "quote'\"", "a]"]


def test_a_before():
    assert 1 + 1 == 2


@pytest.mark.parametrize("name", ODD, ids=ODD)
def test_odd(name):
    if name == "two words":
        os._exit(1)
    assert name in ODD


def test_c_after():
    assert 2 + 2 == 4
