"""What can go wrong, sorted by who can do something about it."""

from __future__ import annotations


class ReportDeskError(Exception):
    """Anything that this package raises on purpose."""


class Rejected(ReportDeskError):
    """The caller asked for something that cannot be; asking again will not help."""


class InvalidInput(Rejected):
    """A body, a name or a value that breaks the rules."""


class PayloadTooLarge(Rejected):
    """A body longer than is allowed."""


class UnknownCase(Rejected):
    """No case has this id."""


class UnknownTask(Rejected):
    """No task has this id, or it ended so long ago that it was forgotten."""


class TransientError(ReportDeskError):
    """A part is in trouble; the same call may succeed a little later."""


class CacheUnavailable(TransientError):
    """The cache does not answer, or answers with an error."""


class DatabaseUnavailable(TransientError):
    """The database cannot be reached, or is locked."""


class ModelTimedOut(TransientError):
    """The model server did not answer in time."""


class ModelUnreachable(TransientError):
    """There is no connection to the model server, or it broke."""


class ModelFailed(TransientError):
    """The model server says that it failed, or answers with something that is no report."""


class ModelRefused(ReportDeskError):
    """The model server understood the request and says no."""


class NotNow(ReportDeskError):
    """Not even tried, to spare a part that is in trouble or has too much to do."""

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class BreakerOpen(NotNow):
    """The part has failed too often and is left alone for a while."""


class QueueFull(NotNow):
    """As many tasks wait as are allowed to."""


class StartError(ReportDeskError):
    """The service cannot start: its settings or its database are not what they must be."""
