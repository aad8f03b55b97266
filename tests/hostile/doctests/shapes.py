"""Doctests, one of them wrong.

>>> 1 + 1
2
"""


def square(x):
    """Right.

    >>> square(3)
    9
    """
    return x * x


def cube(x):
    """Wrong.

    >>> cube(2)
    9
    """
    return x**3
