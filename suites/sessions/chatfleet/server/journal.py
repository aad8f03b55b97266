"""Every message on disk before it is acknowledged, so that a killed server comes back with all of them."""

import os
from pathlib import Path

import msgspec

from ..protocol import Name, Text


class JournalError(Exception):
    """The file is no journal of this server; the message names file and line."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some messages that were posted together, under the key by which a repeated post is recognised."""

    key: str
    channel: Name
    texts: list[Text]


class Journal:
    """An append-only file with one entry on each line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def load(self) -> list[Entry]:
        """All entries; a last line without its end was never acknowledged and is cut off."""
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        return [self._entry(line, number) for number, line in enumerate(content[:whole].splitlines(), 1)]

    def append(self, entry: Entry) -> None:
        """Returns when the kernel has the entry: from then on the end of this process cannot undo it."""
        whole = os.fstat(self._file).st_size
        left = memoryview(msgspec.json.encode(entry) + b"\n")
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            os.ftruncate(self._file, whole)  # the next entry must not stand behind half of this one
            raise

    def clear(self) -> None:
        """Forget everything."""
        os.ftruncate(self._file, 0)

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            return msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(
                f"{self._path}, line {number}: {error}; mend the line or take it out"
            ) from error
