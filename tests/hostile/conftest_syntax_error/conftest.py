"""A conftest that is no Python."""

def broken(:
    pass
