"""Ids, messages and output that would command a terminal."""

import sys

import pytest

HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear": "\x1b[2J\x1b[1;1H\x1bc",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;title\x07\a\b\r\v\f",
    "c1": "\x9b31m\x90q\x9c\x85",
    "markup": "[bold red]loud[/] [link=file:///etc/passwd]click[/link] [/",
    "bidi": "\u202eevil\u2066 \u2069\u202c\u200f",
    "surrogate": "\udcff\udc80",
    "nul": "nul\x00nul",
    "newline": "first\nsecond\r\nthird\u2028fourth",
    "command": "##[error]no ::error::no ::set-output name=x::y",
}


def test_a_before():
    assert 1 + 1 == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE.values()))
def test_passes(text):
    print(text.encode("utf-8", "replace").decode())
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\xff\xfe\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE.values()))
def test_fails(text):
    print(text)
    sys.stderr.write(text)
    pytest.fail(text + " \ud800 lone")


def test_c_after():
    assert 2 + 2 == 4
