"""What can go wrong, sorted by the one question that matters to a caller: is it worth trying again?"""

from __future__ import annotations


class ChatFleetError(Exception):
    """Anything that this package raises on purpose."""


class TransientError(ChatFleetError):
    """The same call may succeed a little later."""


class PermanentError(ChatFleetError):
    """The same call will fail in the same way however often it is made."""


class ConnectionLost(TransientError):
    """The connection ended, or never came about."""


class RequestTimedOut(TransientError):
    """The server stayed silent for too long."""


class ServerFault(TransientError):
    """The server says that it failed, not that the request was wrong."""


class FloodWait(TransientError):
    """The server wants fewer requests and says how long to stay away."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server asks for {seconds:g} s without requests")
        self.seconds = seconds


class Refused(PermanentError):
    """The server understood the request and says no."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code


class ProtocolError(PermanentError):
    """Bytes that are no frame of the protocol."""


class FrameTooLarge(ProtocolError):
    """A frame longer than the protocol allows."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a frame of {size} bytes, where {limit} are allowed")


class UnknownSession(PermanentError):
    """No session of this account is managed here."""


class DuplicateSession(PermanentError):
    """This account is managed already."""


class AlreadyMonitoring(PermanentError):
    """This session has a monitor; stop it before starting another."""


class NotMonitoring(PermanentError):
    """This session has no monitor that could be stopped."""


class Interrupted(ChatFleetError):
    """The manager ended the operation: it shut down, or the session was removed."""
