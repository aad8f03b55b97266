"""What can go wrong for a user, each with what happened, where, and the mend; and the table of exit codes."""

from __future__ import annotations

PASSED = 0
TESTS_FAILED = 1
INTERRUPTED = 2
INTERNAL_ERROR = 3
USAGE_ERROR = 4
NO_TESTS = 5
GATE = 99
BY_SIGNAL = 128

EXIT_CODES = {
    PASSED: "all tests passed",
    TESTS_FAILED: "tests failed, or a test crashed or timed out",
    INTERRUPTED: "pytest was stopped from inside (`pytest.exit`), or could not collect a file",
    INTERNAL_ERROR: "pytest or a plugin broke, or the process ended in a way that nobody saw",
    USAGE_ERROR: "wrong arguments or configuration",
    NO_TESTS: "no tests were found",
    6: "pytest's limit of warnings was passed",
    GATE: "the tests passed, but a gate of itdash did not",
    BY_SIGNAL + 1: "stopped by SIGHUP",
    BY_SIGNAL + 2: "stopped by Ctrl-C",
    BY_SIGNAL + 15: "stopped by SIGTERM",
}


class ItdashError(Exception):
    """A mistake that the user can mend."""

    exit_code = USAGE_ERROR

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.mend = what, where, mend

    def lines(self) -> list[str]:
        """The message as lines of plain text."""
        told = [f"itdash: {self.what}"]
        if self.where:
            told.append(f"  where: {self.where}")
        if self.mend:
            told.append(f"  mend:  {self.mend}")
        return told


class ConfigError(ItdashError):
    """The configuration says something that cannot be."""


class MissingPlugin(ItdashError):
    """An option needs a pytest plugin that is not installed."""


class RunDirectoryError(ItdashError):
    """The run directory cannot be made or read."""

    exit_code = INTERNAL_ERROR


def nearest(word: str, known: list[str]) -> str:
    """A hint at the known word that is most like `word`, or the list of them."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted(known))}"
