"""A test replaces the json functions and does not put them back."""

import json


def broken(*args, **kwargs):
    raise OSError("patched by a test")


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    json.dumps = json.dump = json.loads = json.load = broken
    json.JSONEncoder = json.JSONDecoder = None


def test_c_after():
    assert 2 + 2 == 4
