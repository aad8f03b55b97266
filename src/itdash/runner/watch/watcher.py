"""What was saved since a run began: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from itdash.runner.watch.contents import Change, Contents
from itdash.runner.watch.ignore import Ignore
from itdash.runner.watch.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from itdash.config import WatchConfig
    from itdash.runner.watch.contents import Entry

_MANY, _CALM, _LOCKED = 20, 200_000_000, 30_000_000_000
_RECENT = 10_000_000_000
_HABIT, _ECHO = 3, 100_000_000
_SOURCES = (".py", ".toml", ".ini", ".cfg")


class Saved(NamedTuple):
    """Files that are not what they were, and when the last of them was written (`time.perf_counter_ns`)."""

    changes: tuple[Change, ...]
    at: int


class Watcher:
    """Knows what was saved since the last run began, and since the last one that was completed.

    `fd` can be read when there may be something new.
    """

    def __init__(
        self, root: Path, config: WatchConfig, left_out: Iterable[str], known: dict[str, Entry] | None = None
    ) -> None:
        real = os.path.realpath(root)
        places = [os.path.realpath(os.path.join(real, path)) for path in config.paths] or [real]
        ignore = Ignore(real, config.ignore, config.patterns, map(os.path.realpath, left_out))
        self.contents = Contents(places, ignore)
        self._notices = Notices(self.contents, places, config.poll, known)
        self._debounce = int(config.debounce * 1e9)
        self._git = _git_lock(real)
        self.fd = self._notices.fd
        self._latest = 0
        self._fresh: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._covered: dict[str, str] = {}
        self._flipped: set[str] = set()
        self._seen: set[str] = set()
        self._habits: dict[str, int] = {}
        self._left_out: set[str] = set()
        self._runs = False
        self._ended = 0

    def start(self) -> None:
        """Begin to watch."""
        self._notices.start()

    def wait(self, seconds: float) -> bool:
        """Wait until every file was looked at once; whether that is so."""
        return self._notices.ready.wait(seconds)

    @property
    def ready(self) -> bool:
        """Whether every file was looked at once."""
        return self._notices.ready.is_set()

    def close(self) -> None:
        """Stop watching."""
        self._notices.close()

    def notes(self) -> list[str]:
        """What a reader must know of how it is watched, each once."""
        notes = self._notices.notes
        return [notes.popleft() for _ in range(len(notes))]

    def saved(self, now: int) -> Saved | None:
        """What a run must begin for, once nothing has been saved for a moment."""
        self._take()
        changes = self._net(self._fresh, self._flipped) if self._fresh else []
        changes = [change for change in changes if change.path not in self._left_out]
        if not changes or not self._is_calm(now, len(changes)):
            return None
        return Saved(tuple(changes), self._latest)

    def pause(self, now: int) -> float | None:
        """In how many seconds `saved` should be asked again although nothing new came."""
        if not self._fresh:
            return None
        return max(0.001, (self._latest + self._debounce - now) / 1e9)

    def is_calm(self, now: int) -> bool:
        """Whether nothing was saved for a moment."""
        self._take()
        return not self._fresh or self._is_calm(now, len(self._fresh))

    def begin(self) -> tuple[Change, ...]:
        """A run begins: all that is different since the last one that was completed."""
        self._take()
        for path, before in self._fresh.items():
            if path in self._covered:
                self._seen.add(path)  # a run that was cut short has shown what stood there in between
            self._covered.setdefault(path, before)
        self._seen |= self._flipped
        self._fresh.clear()
        self._flipped.clear()
        self._runs = True
        return tuple(self._net(self._covered, self._seen))

    def end(self, complete: bool) -> None:
        """The run is over; what it has covered is done with if every test of it has a result."""
        self._take()
        self._runs = False
        self._ended = time.perf_counter_ns()
        if complete:
            self._covered.clear()
            self._seen.clear()

    def hold(self) -> None:
        """The run that began is none: it is begun again when something else is saved."""
        self._runs = False

    def digests(self) -> dict[str, Entry]:
        """What stood in each file when the last run began; a file that was saved since then is left out."""
        return {path: entry for path, entry in list(self.contents.entries.items()) if path not in self._fresh}

    def _take(self) -> None:
        try:
            while os.read(self.fd, 4096):
                pass
        except (BlockingIOError, OSError):
            pass
        queue = self._notices.queue
        while queue:
            noticed = queue.popleft()
            during = self._runs or noticed.at < self._ended + _ECHO
            for change in noticed.changes:
                self._note(change, during)
            self._latest = noticed.at

    def _note(self, change: Change, during: bool) -> None:
        path = change.path
        self._now[path] = change.after
        if path in self._fresh and during and self._fresh[path] == change.after:
            self._flipped.add(path)  # the run may have read what stood there in between
        if during and path not in self._fresh and not path.endswith(_SOURCES):
            self._habits[path] = self._habits.get(path, 0) + 1
            if self._habits[path] == _HABIT and path not in self._left_out:
                self._left_out.add(path)
                self._notices.notes.append(
                    f"{path} changes whenever tests run: only a change between two runs counts from now on"
                )
        elif not during:
            self._habits.pop(path, None)
            self._left_out.discard(path)
        self._fresh.setdefault(path, change.before)

    def _net(self, since: dict[str, str], anyway: set[str]) -> list[Change]:
        """What is different, and files that were different for a while."""
        return [
            Change(path, before, self._now[path])
            for path, before in since.items()
            if before != self._now[path] or path in anyway
        ]

    def _is_calm(self, now: int, number: int) -> bool:
        """Whether whoever saves has finished; a switch of branches takes longer than a save."""
        age = now - self._latest
        if age < max(self._debounce, _CALM if number > _MANY else 0):
            return False
        return age > _LOCKED or not self._git or not os.path.exists(self._git)


def written_at(changes: Sequence[Change]) -> int:
    """When the newest of these files was written, by the clock of `time.perf_counter_ns`; 0 where unknown."""
    newest = 0
    for change in changes:
        try:
            newest = max(newest, os.stat(change.path).st_mtime_ns)
        except OSError:
            continue
    age = time.time_ns() - newest
    return time.perf_counter_ns() - age if 0 <= age < _RECENT else 0


def _git_lock(root: str) -> str:
    """The file that is there while git writes many; empty where there is no git."""
    folder = root
    while True:
        if os.path.isdir(os.path.join(folder, ".git")):
            return os.path.join(folder, ".git", "index.lock")
        if folder == os.path.dirname(folder):
            return ""
        folder = os.path.dirname(folder)
