"""A thread that watches a project's files, and puts what is different on a queue."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from itdash.runner.watch import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itdash.runner.watch.contents import Change, Contents, Entry

_QUIET_MS, _LONGEST_MS, _PATIENCE_MS = 5, 100, 1_000
_PAUSE, _SHARE, _GONE_PAUSE = 0.3, 10, 0.2
_MANY = 200
_TRIES = 5


class Noticed(NamedTuple):
    """Files that are different, and when that was seen, by the clock of `time.perf_counter_ns`."""

    at: int
    changes: tuple[Change, ...]


class Notices(threading.Thread):
    """Puts changes on `queue` and a byte into the pipe; `note` is how it watches, where that needs a word."""

    def __init__(
        self, contents: Contents, places: Iterable[str], poll: bool, known: dict[str, Entry] | None = None
    ) -> None:
        super().__init__(name="itdash-watch", daemon=True)
        self._contents, self._places, self._poll, self._known = contents, tuple(places), poll, known
        self.queue: deque[Noticed] = deque()
        self.notes: deque[str] = deque()
        self.ready = threading.Event()
        self._stopped = threading.Event()
        self.fd, self._waker = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._waker, False)
        self._notify: Any = None

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self.join(5)
        if not self.is_alive():
            os.close(self.fd)
            os.close(self._waker)

    def run(self) -> None:
        """Look at everything once, then whenever something happens; never stop looking without a word."""
        try:
            self._watch()
        except Exception as error:  # whatever it is: a watcher that is gone loses saves
            self._note(f"watching broke ({error!r}): files are looked at every {_PAUSE} s")
            self._poll = True
            self.ready.set()
            while not self._stopped.is_set():
                self._look_again()

    def _watch(self) -> None:
        self._tell(self._contents.first(self._known))
        self._known = None
        if not self._poll and (share := mounts.remote(self._places)):
            self._note(f"{share} does not tell of changes: files are looked at every {_PAUSE} s")
            self._poll = True
        self._renew()
        self.ready.set()
        self._tell(self._contents.look())  # what was saved before the folders were watched
        while not self._stopped.is_set():
            if self._poll:
                self._look_again()
            else:
                self._hear()

    # -- being told --

    def _hear(self) -> None:
        found = self._notify.watch(_LONGEST_MS, _QUIET_MS, _PATIENCE_MS, self._stopped)
        if found in ("stop", "signal"):
            return
        if found == "timeout":
            if not all(map(os.path.exists, self._places)):
                self._await_places()
            return
        contents = self._contents
        aliases = contents.tree.aliases
        paths = {aliases.get(path, path) for _, path in found}
        if not all(map(os.path.exists, self._places)):
            self._await_places()
        elif len(paths) > _MANY or any(map(contents.is_new_folder, paths)):
            self._look_whole()
        else:
            leaves_out = contents.leaves_out
            self._tell(contents.look_at(sorted(path for path in paths if not leaves_out(path))))

    def _look_whole(self) -> None:
        """The tree may have another shape: a new folder is looked at once more when it is watched."""
        before: list[str] = []
        for _ in range(_TRIES):
            self._tell(self._contents.look())
            now = self._contents.tree.watched()
            if now == before:
                return
            before = now
            self._renew()  # also for the same names: a folder that came back is another one

    def _await_places(self) -> None:
        """A watched folder is gone; it may come back."""
        self._tell(self._contents.look())
        while not all(map(os.path.exists, self._places)):
            if self._stopped.wait(_GONE_PAUSE):
                return
        self._look_whole()

    def _renew(self) -> None:
        """Watch the folders that there are now."""
        if self._poll:
            return
        from watchfiles._rust_notify import RustNotify

        for _ in range(_TRIES):
            folders = self._contents.tree.watched()
            try:
                self._notify, old = RustNotify(folders, False, False, 0, False, True), self._notify
            except FileNotFoundError:
                self._tell(self._contents.look())  # one went a moment ago
            except OSError as error:
                self._note(f"{_reason(error, len(folders))}: files are looked at every {_PAUSE} s")
                break
            else:
                if old is not None:
                    old.close()
                return
        self._poll = True

    # -- looking --

    def _look_again(self) -> None:
        began = time.monotonic()
        self._tell(self._contents.look())
        took = time.monotonic() - began
        self._stopped.wait(max(_PAUSE, took * _SHARE))

    def _tell(self, changes: Iterable[Change]) -> None:
        told = tuple(changes)
        if told:
            self.queue.append(Noticed(time.perf_counter_ns(), told))
            self._wake()

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._waker, b"!")
        except BlockingIOError:
            pass  # it is awake already


def _reason(error: OSError, folders: int) -> str:
    if "watch limit" in str(error) or error.errno == 28:
        return (
            f"the system's limit of watched folders is reached with {folders:,} of this project "
            "(raise fs.inotify.max_user_watches)"
        )
    if error.errno == 24 or "Too many open files" in str(error):
        return "the system's limit of watchers is reached (raise fs.inotify.max_user_instances)"
    return f"the system does not tell of changes ({error})"
