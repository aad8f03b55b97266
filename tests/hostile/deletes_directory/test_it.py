"""A test deletes the directory that it works in."""

import os


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(tmp_path):
    place = tmp_path / "gone"
    place.mkdir()
    os.chdir(place)
    place.rmdir()


def test_c_after():
    assert 2 + 2 == 4
