"""What clients may say, and what they are answered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .errors import Rejected
from .events import Confidence, Name, Symbol  # noqa: TC001 - read at run time
from .subscriptions import Filter  # noqa: TC001 - read at run time

Pattern = Annotated[str, Meta(pattern=r"\A(\*|[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63})\Z")]
Patterns = Annotated[list[Pattern], Meta(min_length=1, max_length=1_000)]


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", forbid_unknown_fields=True):
    pass


class Subscribe(_Command, frozen=True, kw_only=True, tag="subscribe"):
    """Alerts of these patterns, of these symbols or all, with at least this confidence."""

    patterns: Patterns
    symbols: Annotated[frozenset[Symbol], Meta(max_length=1_000)] = frozenset()
    confidence: Confidence = 0.0


class Unsubscribe(_Command, frozen=True, kw_only=True, tag="unsubscribe"):
    patterns: Patterns


class Monitor(_Command, frozen=True, kw_only=True, tag="monitor"):
    """Whether to be told how services and parts are."""

    on: bool = True


class Subscribed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="subscribed"):
    """What the user is subscribed to now."""

    patterns: dict[str, Filter]
    monitor: bool


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="welcome"):
    """The first message on a connection. Numbers go on only as long as the epoch is the same."""

    user: str
    epoch: str
    next: int
    patterns: dict[str, Filter]


class Missed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="missed"):
    """So many messages had no room; None where nobody knows how many."""

    count: int | None


class Mistake(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    code: str
    message: str


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes, and the last message that this client has."""

    user: Name
    after: Annotated[int, Meta(ge=0)] | None = None
    epoch: Annotated[str, Meta(max_length=64)] = ""


Command = Subscribe | Unsubscribe | Monitor
_COMMANDS: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def read_command(content: str | bytes) -> Command:
    try:
        return _COMMANDS.decode(content)
    except msgspec.ValidationError as error:
        raise Rejected("invalid", str(error)) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Rejected("malformed", f"no JSON: {error}") from error
