"""An ordinary module after the faulty one."""


def test_c_after():
    assert 2 + 2 == 4
