"""Each outcome that pytest knows, alone and together."""

import pytest


@pytest.fixture
def fails_before():
    raise RuntimeError("before")


@pytest.fixture
def fails_after():
    yield
    raise RuntimeError("after")


@pytest.fixture
def skips_before():
    pytest.skip("before")


@pytest.fixture
def skips_after():
    yield
    pytest.skip("after")


@pytest.fixture
def xfails_before():
    pytest.xfail("before")


def test_a_before():
    assert 1 + 1 == 2


def test_fails():
    raise AssertionError


@pytest.mark.skip(reason="marked")
def test_skip_mark():
    raise AssertionError


def test_skip_in_setup(skips_before):
    raise AssertionError


def test_skip_in_call():
    pytest.skip("inside")


def test_skip_in_teardown(skips_after):
    pass


@pytest.mark.xfail
def test_xfail():
    raise AssertionError


def test_xfail_in_setup(xfails_before):
    pass


def test_xfail_in_call():
    pytest.xfail("inside")


@pytest.mark.xfail(run=False)
def test_xfail_not_run():
    raise AssertionError


@pytest.mark.xfail
def test_xpass():
    pass


@pytest.mark.xfail(strict=True)
def test_xpass_strict():
    pass


@pytest.mark.xfail(raises=ValueError)
def test_xfail_other_error():
    raise TypeError


@pytest.mark.xfail
def test_xfail_error_in_setup(fails_before):
    pass


@pytest.mark.xfail
def test_xfail_error_in_teardown(fails_after):
    raise AssertionError


def test_error_in_setup(fails_before):
    raise AssertionError


def test_error_in_both(fails_after, fails_before):
    raise AssertionError


def test_error_in_teardown(fails_after):
    pass


def test_failure_and_error_in_teardown(fails_after):
    raise AssertionError


def test_skip_and_error_in_teardown(fails_after):
    pytest.skip("inside")


def test_c_after():
    assert 2 + 2 == 4
