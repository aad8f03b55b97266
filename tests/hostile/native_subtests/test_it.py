"""pytest's own subtests."""


def test_a_before():
    assert 1 + 1 == 2


def test_subtests_pass(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number < 3


def test_b_fault(subtests):
    for number in range(3):
        with subtests.test("named", number=number):
            assert number != 1


def test_c_after():
    assert 2 + 2 == 4
