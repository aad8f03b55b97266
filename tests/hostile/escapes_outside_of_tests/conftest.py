"""Text that would command a terminal, from everywhere but a test's own failure."""

import warnings

HOSTILE = "\x1b[31m\x1b]52;c;ZXZpbA==\x07\r\u202e[/red]\x00 \udcff \ud800 "


def pytest_report_header():
    return HOSTILE


def pytest_configure():
    warnings.warn(UserWarning(HOSTILE), stacklevel=1)
