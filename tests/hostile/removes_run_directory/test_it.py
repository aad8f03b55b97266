"""A test removes the directory in which the run is written down."""

import shutil


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(pytestconfig):
    shutil.rmtree(pytestconfig.rootpath / ".itdash", ignore_errors=True)


def test_c_after():
    assert 2 + 2 == 4
