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
    """How often to try, and how long to wait between two attempts."""

    attempts: Count = 3
    base: Seconds = 0.1
    ceiling: Seconds = 5.0
    jitter: Share = 0.5
    """The share of a pause that is left to chance, so that many callers do not come back at once."""


class BreakerSettings(_Checked, frozen=True):
    """When a part counts as broken, and how long it is left alone then."""

    threshold: Count = 5
    """Failures in a row that open the breaker."""
    reset_after: Seconds = 30.0


class CacheSettings(_Checked, frozen=True):
    url: str
    prefix: str = "reportdesk"
    """What the names of all keys begin with, for a cache that others use as well."""
    ttl: Annotated[float, Meta(ge=0.001)] = 300.0
    timeout: Seconds = 0.25
    breaker: BreakerSettings = BreakerSettings(reset_after=1.0)


class DatabaseSettings(_Checked, frozen=True):
    url: str
    schema: str = "public"
    """Where the tables are in PostgreSQL."""
    timeout: Seconds = 1.0
    """How long one attempt waits for a lock or an answer."""
    retry: Backoff = Backoff()


class ModelSettings(_Checked, frozen=True):
    url: str
    timeout: Seconds = 10.0
    retry: Backoff = Backoff()
    breaker: BreakerSettings = BreakerSettings()


class TaskSettings(_Checked, frozen=True):
    workers: Count = 4
    capacity: Count = 1_000
    """Tasks that may wait; more are turned away."""
    kept: Count = 1_000
    """Ended tasks whose outcome is remembered."""


class Settings(_Checked, frozen=True):
    cache: CacheSettings
    database: DatabaseSettings
    model: ModelSettings
    tasks: TaskSettings = TaskSettings()
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    body_limit: Count = 65_536
    """Bytes that a request may carry."""
    grace: Seconds = 5.0
    """How long requests and tasks have to end when the service is told to."""


def read_settings(path: Path) -> Settings:
    """The settings in this file, or an error that names the file, the key and what it must be."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise StartError(f"the settings cannot be read: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}") from error
