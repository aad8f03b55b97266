"""What can go wrong: the name of a class is the type that callers are told, its status that of the answer."""

from __future__ import annotations


class ArchiveError(Exception):
    """Anything that this package raises on purpose."""

    status = 500


class Rejected(ArchiveError):
    """The caller asked for something that cannot be; asking again will not help."""


class MalformedBody(Rejected):
    """A body that is no JSON, or a header that says nothing."""

    status = 400


class NotAuthenticated(Rejected):
    """Nobody knows who asks: no token, or one that does not hold."""

    status = 401


class NotAllowed(Rejected):
    """It is known who asks, and that they may not."""

    status = 403


class NotFound(Rejected):
    """There is nothing of this name."""

    status = 404


class Conflict(Rejected):
    """What is there does not go together with what is asked for."""

    status = 409


class TooLarge(Rejected):
    """A body longer than is allowed."""

    status = 413


class RangeNotSatisfiable(Rejected):
    """A range that begins behind the end of the media."""

    status = 416


class ValidationError(Rejected):
    """A value that breaks the rules."""

    status = 422


class Unavailable(ArchiveError):
    """A part is in trouble; the same request may succeed a little later."""

    status = 503


class DatabaseError(Unavailable):
    """The database cannot be reached, or is locked."""


class StoreError(Unavailable):
    """Redis, which has sessions, cache and the bell of the queue, does not answer."""


class StorageError(Unavailable):
    """The disk with media and captions cannot be read or written."""


class ChannelError(Unavailable):
    """The cable channel does not answer, or makes no sense."""


class ChannelRefused(ArchiveError):
    """The cable channel understood the request and says no."""

    status = 502


class BadMedia(ArchiveError):
    """Media that nothing can be made of; another attempt will not help."""

    status = 422


class LeaseLost(ArchiveError):
    """Somebody else works on the task now, or has ended it."""


class AlreadyThere(ArchiveError):
    """A row breaks a rule of uniqueness; services say what that means."""


class StartError(ArchiveError):
    """The archive cannot start: its settings or its database are not what they must be."""
