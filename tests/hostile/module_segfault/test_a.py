"""An ordinary module before the faulty one."""


def test_a_before():
    assert 1 + 1 == 2
