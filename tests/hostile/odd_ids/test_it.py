"""Parameters whose ids look like separators, options and other people's syntax."""

import pytest

ODD = ["a::b", "two words", "[brackets]", "-k", "@file", "tab\tand\nline", "ümläut", "🙂", "👩‍👩‍👧", "x" * 20_000, "", "a]", "%s", "{x}"]


def test_a_before():
    assert 1 + 1 == 2


@pytest.mark.parametrize("name", ODD, ids=ODD)
def test_odd(name):
    assert name != "🙂"


class TestGroup:
    @pytest.mark.parametrize("name", ODD, ids=ODD)
    def test_odd(self, name):
        assert name != "a::b"


def test_c_after():
    assert 2 + 2 == 4
