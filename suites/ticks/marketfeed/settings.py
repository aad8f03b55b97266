"""The settings of the service: one JSON file, checked as a whole before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from .errors import StartError

if TYPE_CHECKING:
    from pathlib import Path

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings in which a misspelt key is an error."""


class Backoff(_Checked, frozen=True):
    """How long to wait before another attempt."""

    base: Seconds = 0.1
    ceiling: Seconds = 5.0
    jitter: Share = 0.5
    """The share of a pause that is left to chance, so that many services do not come back at once."""


class RedisSettings(_Checked, frozen=True):
    url: str
    prefix: Annotated[str, Meta(min_length=1)] = "market"
    """What the names of all channels begin with."""
    timeout: Seconds = 2.0
    """How long a connection may take to be there."""
    heartbeat: Seconds = 5.0
    """After so long without a word Redis is asked for one, and after as long again it is given up."""
    event_limit: Count = 65_536
    """Bytes that an event may have."""
    backoff: Backoff = Backoff()


class Room(_Checked, frozen=True):
    """How much a mailbox may hold; beyond it the oldest goes."""

    messages: Count
    bytes: Count


class BroadcastSettings(_Checked, frozen=True):
    connected: Room = Room(messages=20_000, bytes=32_000_000)
    """For a user who reads more slowly than events come."""
    away: Room = Room(messages=500, bytes=1_000_000)
    """For a user who is away, and for what one who returns may ask for again."""
    away_users: Count = 10_000
    """Users who are away and remembered; beyond them the one who went first is forgotten."""
    away_seconds: Seconds = 86_400.0
    gather: Annotated[float, Meta(ge=0)] = 0.005
    """What comes within this time after a frame goes into the next one together."""
    stale_after: Seconds = 30.0
    """A connection on which nothing was heard for so long, not even the answer to a ping, is cut."""
    sweep: Seconds = 1.0
    """How often stale connections and forgotten users are looked for."""
    patterns: Count = 1_000
    """Patterns that a user may subscribe to."""
    strikes: Count = 20
    """Messages in a row that make no sense, after which a client is sent away."""


class WebSettings(_Checked, frozen=True):
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    ping: Seconds = 10.0
    message_limit: Count = 65_536
    """Bytes that a client's message may have."""


class Settings(_Checked, frozen=True):
    redis: RedisSettings
    broadcast: BroadcastSettings = BroadcastSettings()
    web: WebSettings = WebSettings()
    waiting: Count = 50_000
    """Events that may wait for each handler."""
    grace: Seconds = 5.0
    """How long what was received has to reach its clients when the service is told to end."""

    def __post_init__(self) -> None:
        if self.broadcast.stale_after <= self.web.ping:
            raise ValueError("broadcast.stale_after must be longer than web.ping, which keeps clients fresh")


def read_settings(path: Path) -> Settings:
    """The settings in this file, or an error that names the file, the key and what it must be."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise StartError(f"the settings cannot be read: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}") from error
