"""What can go wrong, in words that name the thing and the mend."""

from __future__ import annotations


class LadderError(Exception):
    """Anything that this package raises on purpose."""


class InvalidValue(LadderError, ValueError):
    """A caller handed in something that cannot be right; nothing was done."""


class StorageError(LadderError):
    """The database could not do what was asked; the transaction left no trace."""


class ForeignDatabase(StorageError):
    """The file is no database of a ladder."""


class SchemaTooNew(StorageError):
    """A later version of this package wrote the database."""


class UnknownPlayer(LadderError, LookupError):
    """No player has this uid."""

    def __init__(self, uid: int) -> None:
        super().__init__(f"there is no player {uid}; add it first")


class UnknownMatch(LadderError, LookupError):
    """No match has this id."""

    def __init__(self, match_id: int) -> None:
        super().__init__(f"there is no match {match_id}; add it first")


class UnknownJob(LadderError, LookupError):
    """No job has this id."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there is no job {job_id}")


class AlreadyThere(LadderError):
    """The id is taken."""


class BadPayload(InvalidValue):
    """A payload that would not come back from the disk as it went in."""


class PayloadTooLarge(InvalidValue):
    """A payload longer than the queue takes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"a payload of {size} bytes, where {limit} are allowed; keep the data elsewhere and add its place"
        )


class LeaseLost(LadderError):
    """The job went to somebody else, or back into the queue: whatever was worked out must not be written."""


class NotDead(LadderError):
    """Only a job that was given up can be revived."""


class BadReplay(LadderError):
    """A replay that cannot be read however often one tries."""


class NotSendable(InvalidValue):
    """A call that cannot be sent to another process."""


class WorkerCrashed(LadderError):
    """The process that ran the job ended in the middle of it."""


class FallbackTimedOut(LadderError, TimeoutError):
    """The fallback, too, took longer than it was given."""


class PoolClosed(LadderError):
    """The pool takes no more work."""
