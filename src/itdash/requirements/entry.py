"""One requirement as a file tells it, with its place; and the mistake that such a file can hold."""

from __future__ import annotations

from typing import NamedTuple

from itdash.errors import ItdashError
from itdash.events.model import RequirementRow  # noqa: TC001  # the name stands in a field


class RequirementsError(ItdashError):
    """A file of requirements, or what was asked of them, cannot be used."""


class Entry(NamedTuple):
    """A requirement, its file, and its line where that is known."""

    row: RequirementRow
    file: str
    line: int

    @property
    def where(self) -> str:
        """The place for a reader."""
        return place(self.file, self.line)


def place(file: str, line: int) -> str:
    """A file and a line, as editors understand it."""
    return f"{file}:{line}" if line else file


def text_of(path: str) -> str:
    """The whole file; a mark of byte order at its start is no part of it."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            return handle.read()
    except UnicodeDecodeError as error:
        raise RequirementsError(
            f"this file is not UTF-8: {error.reason} at byte {error.start}",
            where=path,
            mend="save it as UTF-8",
        ) from None
    except OSError as error:
        raise RequirementsError(f"this file cannot be read: {error.strerror or error}", where=path) from None
