"""A worker: takes jobs, works, and writes what came of a whole batch in one transaction."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from .checks import positive, whole
from .errors import InvalidValue, LadderError, LeaseLost, StorageError
from .jobqueue import Completion
from .jobs import encode
from .owners import new_owner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .jobqueue import JobQueue
    from .jobs import Lease

MOST_IN_A_BATCH = 1_000
_LONGEST_PAUSE = 300.0
_MOST_DOUBLINGS = 30


class Handler(Protocol):
    """What is done with jobs of one kind, in two steps."""

    def work(self, payload: Any) -> Any:
        """Work out a result. It may be slow, and done again after a crash: it must change nothing."""

    def apply(self, connection: sqlite3.Connection, result: Any) -> None:
        """Write what the result changes. It is committed with the job's completion, so it happens once."""


class Worker:
    """Works through the queue, batch by batch; while it works its leases are renewed."""

    def __init__(
        self,
        queue: JobQueue,
        handlers: Mapping[str, Handler],
        *,
        lease_seconds: float = 30.0,
        batch: int = 1,
        first_pause: float = 1.0,
    ) -> None:
        self._queue = queue
        self._handlers = handlers
        self._lease_seconds = positive("lease_seconds", lease_seconds)
        self._batch = whole("batch", batch, 1, MOST_IN_A_BATCH)
        self._first_pause = positive("first_pause", first_pause)
        self.owner = new_owner()

    def run_once(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Lease a batch and carry it through; how many jobs were taken. What was not begun when it
        is told to stop goes back."""
        leases = self._queue.lease(self.owner, self._lease_seconds, self._batch)
        if not leases:
            return 0
        done: list[Completion] = []
        failed: dict[Lease, Exception] = {}
        begun = 0
        with self._heartbeat():
            for lease in leases:
                if stopping():
                    break
                begun += 1
                try:
                    done.append(self._work(lease))
                except Exception as error:
                    failed[lease] = error
            self._settle(done, failed, leases[begun:])
        return len(leases)

    def _work(self, lease: Lease) -> Completion:
        handler = self._handlers.get(lease.kind)
        if handler is None:
            raise InvalidValue(f"nobody here knows what to do with a job of kind {lease.kind!r}")
        result = handler.work(lease.payload)
        encode(result)  # what cannot be written fails this job alone, not its batch
        return Completion(lease, result, handler.apply)

    def _settle(
        self, done: Sequence[Completion], failed: Mapping[Lease, Exception], not_begun: Sequence[Lease]
    ) -> None:
        refused = self._queue.complete_all(done) if done else {}
        for lease, error in {**failed, **refused}.items():
            with suppress(LeaseLost):
                if not isinstance(error, LeaseLost):
                    self._queue.fail(
                        lease, f"{type(error).__name__}: {error}", pause=self._pause(lease, error)
                    )
        if not_begun:
            self._queue.give_back(not_begun)

    def _pause(self, lease: Lease, error: Exception) -> float | None:
        """None where another attempt cannot help: what this package raises on purpose would come again."""
        if isinstance(error, LadderError) and not isinstance(error, StorageError):
            return None
        return min(_LONGEST_PAUSE, self._first_pause * 2.0 ** min(lease.attempt - 1, _MOST_DOUBLINGS))

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self._lease_seconds / 4):
                with suppress(StorageError):  # the next beat comes well before the lease is over
                    self._queue.renew(self.owner, self._lease_seconds)

        thread = threading.Thread(target=beat, name="lease renewal", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
