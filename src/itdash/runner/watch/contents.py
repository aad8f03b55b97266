"""What stands in each file of a project, as a digest, and what is different since the last look."""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from itdash.runner.watch.ignore import GITIGNORE
from itdash.runner.watch.tree import Mark, Tree, grown, mark_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from itdash.runner.watch.ignore import Ignore

_WHOLE = 8 << 20
_UNSURE = 2_000_000_000

GONE = ""


class Change(NamedTuple):
    """A file that is different; a digest is empty where there was or is no file."""

    path: str
    before: str
    after: str


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file: its mark, its digest, and whether the mark was old enough to vouch for it."""

    mark: tuple[int, int, int, int]
    digest: str
    sure: bool = True


class Contents:
    """The digests of all files below some places; looks at disk when it is told to."""

    def __init__(self, places: Sequence[str], ignore: Ignore) -> None:
        self._places, self._ignore = tuple(places), ignore
        self.tree = Tree()
        self.entries: dict[str, Entry] = {}

    def first(self, known: dict[str, Entry] | None = None) -> tuple[Change, ...]:
        """Read every file, but for those of which `known` has the digest; what is different from `known`."""
        self.entries = dict(known or {})
        changes = tuple(self.look())
        return changes if known is not None else ()

    def look(self) -> Iterator[Change]:
        """Look at the whole tree; what is different is taken in as it is told."""
        self.tree = grown(self._places, self._ignore)
        for path in [path for path in self.entries if path not in self.tree.files]:
            yield Change(path, self.entries.pop(path).digest, GONE)
        for path, mark in self.tree.files.items():
            yield from self._compared(path, mark)

    def look_at(self, paths: Iterable[str]) -> Iterator[Change]:
        """Look at some files only."""
        for path in paths:
            mark = mark_of(path)
            if mark is not None:
                yield from self._compared(path, mark)
            elif path in self.entries:
                yield Change(path, self.entries.pop(path).digest, GONE)

    def is_new_folder(self, path: str) -> bool:
        """Whether the tree has changed its shape here, or what counts in it."""
        if path in self.tree.folders or os.path.basename(path) == GITIGNORE:
            return True
        return path not in self.entries and os.path.isdir(path) and not self._ignore.leaves_out_folder(path)

    def leaves_out(self, path: str) -> bool:
        """Whether what happened to this path means nothing."""
        if path in self.entries:
            return False
        return os.path.dirname(path) not in self.tree.folders or self._ignore.leaves_out_file(path)

    def _compared(self, path: str, mark: Mark) -> Iterator[Change]:
        entry = self.entries.get(path)
        if entry is not None and entry.sure and entry.mark == mark:
            return
        read = digest_of(path)
        if read is None:
            return  # it went in between, which is told by itself
        now = time.time_ns()
        sure = abs(now - mark.changed) > _UNSURE  # a second write within one tick leaves the mark as it is
        self.entries[path] = Entry((*mark,), read, sure)
        if entry is None or entry.digest != read:
            if os.path.basename(path) == GITIGNORE:
                self._ignore.forget(os.path.dirname(path))
            yield Change(path, entry.digest if entry else GONE, read)


def digest_of(path: str) -> str | None:
    """The digest of a file's content; of a very large one, of its mark."""
    try:
        with open(path, "rb", buffering=0) as handle:
            found = os.fstat(handle.fileno())
            if found.st_size > _WHOLE:
                return repr(Mark.of(found))
            made = blake2b(digest_size=12)
            while piece := handle.read(1 << 20):
                made.update(piece)
            return made.hexdigest()
    except OSError:
        return None
